//! Teams: who is in them, and which accounts they may see.

use serde_json::json;

use super::{Outcome, PeopleError, check_name, told};
use crate::model::{AccountId, TeamId, UserId};
use crate::store::teams::Team;
use crate::store::{Actor, Store, StoreError};

/// A team, with who is in it and what is granted to it.
#[derive(Clone, Debug, serde::Serialize, utoipa::ToSchema)]
#[schema(as = Team)]
pub struct TeamView {
    pub id: TeamId,
    pub name: String,
    pub member_ids: Vec<UserId>,
    /// Accounts granted to it; an account that is granted to no team at all is everybody's.
    pub account_ids: Vec<AccountId>,
}

/// Every team.
pub async fn teams(store: &Store) -> Outcome<Vec<TeamView>> {
    let (memberships, grants) = (store.memberships().await?, store.account_teams().await?);
    Ok(store.teams().await?.into_iter().map(|team| view_team(team, &memberships, &grants)).collect())
}

fn view_team(team: Team, memberships: &[(UserId, TeamId)], grants: &[(AccountId, TeamId)]) -> TeamView {
    TeamView {
        id: team.id,
        name: team.name,
        member_ids: memberships.iter().filter(|(_, id)| *id == team.id).map(|(user, _)| *user).collect(),
        account_ids: grants.iter().filter(|(_, id)| *id == team.id).map(|(account, _)| *account).collect(),
    }
}

/// Adds a team.
pub async fn add_team(store: &Store, by: Actor, name: &str) -> Outcome<TeamView> {
    let name = check_name(name)?;
    let mut tx = store.begin(by).await?;
    let team = Team { id: TeamId::new(), name, created_at: tx.now() };
    tx.insert_team(&team).await.map_err(team_taken)?;
    let view = view_team(team, &[], &[]);
    tx.tell_team(told(&view));
    tx.commit().await?;
    Ok(view)
}

/// Changes a team's name, or who is in it.
pub async fn change_team(
    store: &Store,
    by: Actor,
    id: TeamId,
    name: Option<&str>,
    user_ids: Option<Vec<UserId>>,
) -> Outcome<TeamView> {
    let mut tx = store.begin(by).await?;
    if tx.known_teams(&[id]).await?.is_empty() {
        return Err(PeopleError::NotFound("team"));
    }
    if let Some(name) = name {
        tx.rename_team(id, &check_name(name)?).await.map_err(team_taken)?;
    }
    if let Some(user_ids) = user_ids {
        tx.set_team_users(id, &user_ids).await?;
    }
    tx.tell_team(json!({ "id": id }));
    tx.commit().await?;
    teams(store).await?.into_iter().find(|team| team.id == id).ok_or(PeopleError::NotFound("team"))
}

/// Removes a team; its conversations belong to no team then. `Conflict` while an account is granted to it alone: without it everybody
/// would see that.
pub async fn remove_team(store: &Store, by: Actor, id: TeamId) -> Outcome<()> {
    let mut tx = store.begin(by).await?;
    tx.lock_teams().await?;
    let accounts = tx.granted_only_to(id).await?;
    if !accounts.is_empty() {
        return Err(PeopleError::Conflict(
            "team.only_grant",
            format!("Only this team may see {}; without it everybody would.", accounts.join(", ")),
        ));
    }
    if !tx.delete_team(id).await? {
        return Err(PeopleError::NotFound("team"));
    }
    tx.tell_team(json!({ "id": id, "removed": true }));
    tx.commit().await?;
    Ok(())
}

fn team_taken(error: StoreError) -> PeopleError {
    match error {
        StoreError::Conflict(_) => {
            PeopleError::Conflict("team.name_taken", "There is a team of this name already.".into())
        }
        other => other.into(),
    }
}
