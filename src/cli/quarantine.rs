//! `balie quarantine …`

use super::accounts::{failure, find};
use super::{Failure, QuarantineCommand, print};
use crate::app;
use crate::config::Place;
use crate::desk::access::Viewer;
use crate::desk::{Desk, DeskError};
use crate::model::{AccountId, QuarantineId};
use crate::store::quarantine::Quarantined;

/// All that is held, newest first.
pub(super) async fn held(desk: &Desk, me: &Viewer, account: Option<AccountId>) -> Result<Vec<Quarantined>, DeskError> {
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = desk.quarantine(me, account, after).await?;
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

pub(super) async fn run(place: &Place, command: QuarantineCommand) -> Result<(), Failure> {
    let desk = app::open_desk(place).await?;
    let me = app::administrator(&desk).await?;
    match command {
        QuarantineCommand::List { account, json } => {
            let account = match account {
                Some(account) => Some(find(&desk, &me, &account).await?.id),
                None => None,
            };
            let held = held(&desk, &me, account).await.map_err(failure)?;
            if json {
                print(&serde_json::to_string_pretty(&held).unwrap_or_default());
            } else {
                for one in held {
                    let at = one.created_at.to_rfc3339();
                    print(&format!(
                        "{}  {at}  {:<9} {:<14} {} × {}",
                        one.id,
                        one.state.as_str(),
                        one.source,
                        one.seen,
                        one.error
                    ));
                }
            }
        }
        QuarantineCommand::Replay { ids } => {
            let ids: Vec<QuarantineId> = if ids.is_empty() {
                held(&desk, &me, None).await.map_err(failure)?.into_iter().map(|one| one.id).collect()
            } else {
                ids
            };
            let mut left = 0;
            for id in &ids {
                match desk.replay(&me, *id).await {
                    Ok(_) => print(&format!("{id}  read")),
                    Err(error) => {
                        left += 1;
                        print(&format!("{id}  {}", failure(error)));
                    }
                }
            }
            if left > 0 {
                return Err(Failure::new(format!("{left} of {} still cannot be read", ids.len()))
                    .cure("they stay where they are; try again with a newer balie"));
            }
            print(&format!("{} read.", ids.len()));
        }
    }
    desk.store().close().await;
    Ok(())
}
