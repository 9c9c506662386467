//! Who may see and do what. The only place that decides it; API, search, export and sockets all ask here.
//!
//! Supervisors, admins and auditors see every account. An agent sees the accounts that are granted to no team and those
//! granted to a team of theirs. Auditors change nothing; accounts, people and teams belong to admins.

use std::collections::{HashMap, HashSet};

use super::{Desk, DeskError};
use crate::model::conversation::ConversationRow;
use crate::model::{AccountId, ConversationId, Role, TeamId, UserId};
use crate::store::conversations::Conversation;

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq)]
pub struct Viewer {
    pub user_id: UserId,
    pub name: String,
    pub role: Role,
    pub teams: Vec<TeamId>,
}

/// A kind of thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Claim, answer, note, assign, tag, snooze, close, moderate.
    Work,
    /// See the board, take over a claim.
    Supervise,
    /// Change accounts, people, teams and tags.
    Administer,
}

/// The accounts somebody may see.
#[derive(Clone, Debug, PartialEq)]
pub enum Visible {
    All,
    Only(HashSet<AccountId>),
}

impl Visible {
    #[must_use]
    pub fn includes(&self, account: AccountId) -> bool {
        match self {
            Self::All => true,
            Self::Only(accounts) => accounts.contains(&account),
        }
    }

    /// For the store's filters.
    #[must_use]
    pub fn accounts(&self) -> Option<Vec<AccountId>> {
        match self {
            Self::All => None,
            Self::Only(accounts) => Some(accounts.iter().copied().collect()),
        }
    }
}

/// Who may see what, of everybody, at one moment.
#[derive(Clone, Debug)]
pub struct Rights {
    viewers: HashMap<UserId, Viewer>,
    accounts: Vec<AccountId>,
    grants: Vec<(AccountId, TeamId)>,
}

impl Rights {
    /// Somebody as a viewer, with what they may see; `None` when they may not sign in.
    #[must_use]
    pub fn of(&self, id: UserId) -> Option<(Viewer, Visible)> {
        let viewer = self.viewers.get(&id)?;
        Some((viewer.clone(), granted(&self.accounts, &self.grants, viewer)))
    }
}

/// The rule itself.
fn granted(accounts: &[AccountId], grants: &[(AccountId, TeamId)], viewer: &Viewer) -> Visible {
    if viewer.sees_all() {
        return Visible::All;
    }
    let may = |id: &AccountId| {
        let mut teams = grants.iter().filter(|(account, _)| account == id).peekable();
        teams.peek().is_none() || teams.any(|(_, team)| viewer.teams.contains(team))
    };
    Visible::Only(accounts.iter().copied().filter(may).collect())
}

impl Viewer {
    #[must_use]
    pub fn sees_all(&self) -> bool {
        !matches!(self.role, Role::Agent)
    }

    /// # Errors
    /// `Forbidden`.
    pub fn must(&self, act: Act) -> Result<(), DeskError> {
        let allowed = match act {
            Act::Work => !matches!(self.role, Role::Auditor),
            Act::Supervise => !matches!(self.role, Role::Agent),
            Act::Administer => matches!(self.role, Role::Admin),
        };
        if allowed { Ok(()) } else { Err(DeskError::Forbidden) }
    }
}

impl Desk {
    /// Somebody as a viewer; `None` when there is nobody of that id who may sign in.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn viewer(&self, id: UserId) -> Result<Option<Viewer>, DeskError> {
        let Some(user) = self.store.user(id).await?.filter(|user| user.active) else { return Ok(None) };
        let teams = self.store.teams_of_user(id).await?;
        Ok(Some(Viewer { user_id: id, name: user.name, role: user.role, teams }))
    }

    pub(super) async fn held_by(&self, holder: UserId, until: crate::model::Timestamp) -> Result<DeskError, DeskError> {
        let name = self.store.user(holder).await?.map(|user| user.name).unwrap_or_default();
        Ok(DeskError::Held { user_id: holder, name, until })
    }

    /// What somebody may see now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn visible(&self, viewer: &Viewer) -> Result<Visible, DeskError> {
        if viewer.sees_all() {
            return Ok(Visible::All);
        }
        let grants = self.store.account_teams().await?;
        let accounts = self.store.account_ids().await?;
        Ok(granted(&accounts, &grants, viewer))
    }

    /// Everybody's rights at once, for whoever has many to look after.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn rights(&self) -> Result<Rights, DeskError> {
        let mut viewers: HashMap<UserId, Viewer> = self
            .store
            .users()
            .await?
            .into_iter()
            .filter(|user| user.active)
            .map(|user| (user.id, Viewer { user_id: user.id, name: user.name, role: user.role, teams: Vec::new() }))
            .collect();
        for (user, team) in self.store.memberships().await? {
            if let Some(viewer) = viewers.get_mut(&user) {
                viewer.teams.push(team);
            }
        }
        Ok(Rights { viewers, accounts: self.store.account_ids().await?, grants: self.store.account_teams().await? })
    }

    /// A row somebody may see.
    ///
    /// # Errors
    /// `NotFound` when it is not there or not theirs to see.
    pub async fn row(&self, viewer: &Viewer, id: ConversationId) -> Result<ConversationRow, DeskError> {
        let row = self.store.rows(&[id]).await?.pop().ok_or(DeskError::NotFound("conversation"))?;
        self.must_see(viewer, row.account_id).await?;
        Ok(row)
    }

    /// # Errors
    /// `NotFound` when it is not theirs to see.
    pub async fn must_see(&self, viewer: &Viewer, account: AccountId) -> Result<(), DeskError> {
        if self.visible(viewer).await?.includes(account) { Ok(()) } else { Err(DeskError::NotFound("conversation")) }
    }

    /// Opens a change of a conversation: who may work, on what they may see, with the conversation held for this transaction.
    pub(super) async fn change(
        &self,
        viewer: &Viewer,
        id: ConversationId,
    ) -> Result<(crate::store::Tx, Conversation), DeskError> {
        // In a box of its own, or every change that waits carries all of it along.
        Box::pin(self.change_for(viewer, id, None, None)).await
    }

    /// The same, for giving it to a person or a team. Whoever is put out waits for this transaction or is out in it: what they had is
    /// handed back once, so nothing may come into their hands after that. People are held first, then the team, then the
    /// conversation, so that nobody waits crosswise.
    pub(super) async fn change_for(
        &self,
        viewer: &Viewer,
        id: ConversationId,
        assignee: Option<UserId>,
        team: Option<TeamId>,
    ) -> Result<(crate::store::Tx, Conversation), DeskError> {
        viewer.must(Act::Work)?;
        let visible = self.visible(viewer).await?;
        let mut tx = self.begin(viewer).await?;
        let people: Vec<UserId> = assignee.into_iter().chain([viewer.user_id]).collect();
        let here = tx.hold_active(&people).await?;
        if !here.contains(&viewer.user_id) {
            return Err(DeskError::Forbidden);
        }
        if assignee.is_some_and(|assignee| !here.contains(&assignee)) {
            return Err(DeskError::NotFound("agent"));
        }
        if let Some(team) = team
            && tx.known_teams(&[team]).await?.is_empty()
        {
            return Err(DeskError::NotFound("team"));
        }
        let conversation = tx.conversation(id).await?.ok_or(DeskError::NotFound("conversation"))?;
        if !visible.includes(conversation.account_id) {
            return Err(DeskError::NotFound("conversation"));
        }
        Ok((tx, conversation))
    }
}
