//! How busy it is: what waits, what came and what was answered in the last hour, how the accounts and agents are doing.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::{Act, Desk, DeskError, Viewer};
use crate::model::{AccountId, HealthState, TeamId, Timestamp, UserId};
use crate::store::load::Waiting;

const MINUTE: i64 = 60_000;
const HOUR: Duration = Duration::from_secs(3600);

/// The board. Every number has the filter that lists what it counts.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Load {
    pub at: Timestamp,
    /// Open conversations.
    pub waiting: i64,
    pub oldest_since: Option<Timestamp>,
    pub unassigned: i64,
    /// Customers' turns of the last 60 minutes.
    pub arrivals_hour: i64,
    /// Answers of the last 60 minutes.
    pub answers_hour: i64,
    /// The last 60 minutes, oldest first.
    pub minutes: Vec<Minute>,
    pub accounts: Vec<AccountLoad>,
    pub teams: Vec<TeamLoad>,
    pub agents: Vec<AgentLoad>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct Minute {
    pub at: Timestamp,
    pub arrivals: i64,
    pub answers: i64,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AccountLoad {
    pub id: AccountId,
    pub name: String,
    pub channel: String,
    pub waiting: i64,
    pub oldest_since: Option<Timestamp>,
    pub arrivals_hour: i64,
    pub answers_hour: i64,
    pub health: HealthState,
    pub lag_ms: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct TeamLoad {
    pub id: TeamId,
    pub name: String,
    pub waiting: i64,
    pub oldest_since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct AgentLoad {
    pub id: UserId,
    pub name: String,
    pub online: bool,
    /// Open and assigned to them.
    pub open: i64,
    pub claimed: i64,
    pub answers_hour: i64,
}

impl Desk {
    /// The board now. `online`: who has a live connection.
    ///
    /// # Errors
    /// `Forbidden` for agents.
    pub async fn load(&self, viewer: &Viewer, online: &HashSet<UserId>) -> Result<Load, DeskError> {
        viewer.must(Act::Supervise)?;
        self.load_now(online).await
    }

    /// The same for whoever has been let in already.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn load_now(&self, online: &HashSet<UserId>) -> Result<Load, DeskError> {
        let now = self.clock().now();
        let first = now.minus(HOUR).0 / MINUTE + 1;
        let since = Timestamp(first * MINUTE);
        let waiting = self.store.waiting().await?;
        let arrivals = self.store.arrivals_since(since).await?;
        let answers = self.store.answers_since(since).await?;
        let claims: HashMap<UserId, i64> = self.store.claims().await?.into_iter().collect();

        let mut minutes: BTreeMap<i64, (i64, i64)> = (first..first + 60).map(|minute| (minute, (0, 0))).collect();
        for (_, minute, count) in &arrivals {
            minutes.entry(*minute).or_default().0 += count;
        }
        for (_, _, minute, count) in &answers {
            minutes.entry(*minute).or_default().1 += count;
        }
        let total = gather(waiting.iter().map(|(.., waiting)| *waiting));
        let accounts = self.store.accounts().await?.into_iter().map(|account| {
            let waits = gather(waiting.iter().filter(|(id, ..)| *id == account.id).map(|(.., waiting)| *waiting));
            AccountLoad {
                id: account.id,
                name: account.name,
                channel: account.channel,
                waiting: waits.waiting,
                oldest_since: waits.oldest_since,
                arrivals_hour: arrivals.iter().filter(|(id, ..)| *id == account.id).map(|(.., count)| count).sum(),
                answers_hour: answers.iter().filter(|(id, ..)| *id == account.id).map(|(.., count)| count).sum(),
                health: account.health,
                lag_ms: account.lag_ms,
            }
        });
        let teams = self.store.teams().await?.into_iter().map(|team| {
            let waits = gather(waiting.iter().filter(|(_, id, ..)| *id == Some(team.id)).map(|(.., waiting)| *waiting));
            TeamLoad { id: team.id, name: team.name, waiting: waits.waiting, oldest_since: waits.oldest_since }
        });
        let agents = self.store.users().await?.into_iter().filter(|user| user.active).map(|user| AgentLoad {
            id: user.id,
            online: online.contains(&user.id),
            open: gather(waiting.iter().filter(|(_, _, id, _)| *id == Some(user.id)).map(|(.., waiting)| *waiting))
                .waiting,
            claimed: claims.get(&user.id).copied().unwrap_or(0),
            answers_hour: answers.iter().filter(|(_, id, ..)| *id == Some(user.id)).map(|(.., count)| count).sum(),
            name: user.name,
        });
        Ok(Load {
            at: now,
            waiting: total.waiting,
            oldest_since: total.oldest_since,
            unassigned: gather(waiting.iter().filter(|(_, _, id, _)| id.is_none()).map(|(.., waiting)| *waiting))
                .waiting,
            arrivals_hour: arrivals.iter().map(|(.., count)| count).sum(),
            answers_hour: answers.iter().map(|(.., count)| count).sum(),
            minutes: minutes
                .into_iter()
                .map(|(minute, (arrivals, answers))| Minute { at: Timestamp(minute * MINUTE), arrivals, answers })
                .collect(),
            accounts: accounts.collect(),
            teams: teams.collect(),
            agents: agents.collect(),
        })
    }
}

fn gather(all: impl Iterator<Item = Waiting>) -> Waiting {
    all.fold(Waiting::default(), |sum, one| Waiting {
        waiting: sum.waiting + one.waiting,
        oldest_since: match (sum.oldest_since, one.oldest_since) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        },
    })
}
