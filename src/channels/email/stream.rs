//! Listening: an IDLE connection on the first folder rings when something arrives; what arrived is read by `pull`.
//!
//! Source: RFC 2177 (2026-11). Servers drop an idle client after half an hour, routers after minutes, so it is asked anew every
//! few minutes; who does not answer that is gone. Without IDLE there is nothing to listen to, and asking again and again is
//! enough.
//! Promises: no silence of the other end lasts longer than `ANEW` plus `ANSWER`.

use std::time::Duration;

use async_imap::extensions::idle::IdleResponse;
use async_imap::imap_proto::{MailboxDatum, Response, Status};
use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Email;
use crate::channels::mailbox::imap::{self, Session};
use crate::channels::mailbox::{Door as _, utf7};
use crate::channels::{Batch, ChannelError, Stream};

const ANEW: Duration = Duration::from_secs(240);
const ANSWER: Duration = Duration::from_secs(20);

#[async_trait]
impl Stream for Email {
    async fn run(&self, sink: mpsc::Sender<Batch>) -> ChannelError {
        match self.listen(&sink).await {
            Ok(()) => ChannelError::transient("nobody listens any more"),
            Err(error) => error,
        }
    }
}

impl Email {
    async fn listen(&self, sink: &mpsc::Sender<Batch>) -> Result<(), ChannelError> {
        let mut session = self.open().await?;
        let folder = self.settings.folders.first().map_or("INBOX", String::as_str);
        if session.select(&utf7::encode(folder)).await?.is_none() {
            return Err(ChannelError::transient(format!("there is no folder {folder}")));
        }
        if sink.send(Batch::default()).await.is_err() {
            return Ok(());
        }
        if !session.has("IDLE") {
            drop(session);
            sink.closed().await;
            return Ok(());
        }
        self.idle(session, sink).await
    }

    async fn idle(&self, session: Session, sink: &mpsc::Sender<Batch>) -> Result<(), ChannelError> {
        let silent = || ChannelError::transient("the mail server went silent");
        let mut imap = session.into_inner();
        loop {
            imap.get_mut().allow(1024 * 1024);
            let mut idle = imap.idle();
            timeout(ANSWER, idle.init()).await.map_err(|_| silent())?.map_err(|error| imap::of(&error))?;
            // Something may have come between the last answer and this moment: who rings once too often loses nothing.
            let arrived = {
                let (wait, _interrupt) = idle.wait_with_timeout(ANEW);
                let heard = tokio::select! {
                    heard = wait => heard.map_err(|error| imap::of(&error))?,
                    () = sink.closed() => return Ok(()),
                };
                match heard {
                    IdleResponse::Timeout => false,
                    IdleResponse::ManualInterrupt => {
                        return Err(ChannelError::transient("the mail server ended the connection"));
                    }
                    IdleResponse::NewData(data) => match data.parsed() {
                        Response::Data { status: Status::Bye, .. } => {
                            return Err(ChannelError::transient("the mail server said goodbye"));
                        }
                        Response::MailboxData(MailboxDatum::Exists(_) | MailboxDatum::Recent(_)) => true,
                        _ => false,
                    },
                }
            };
            imap = timeout(ANSWER, idle.done()).await.map_err(|_| silent())?.map_err(|error| imap::of(&error))?;
            // What else was said while this ended is in nobody's hands any more, so it counts as an arrival too.
            let mut said = false;
            while imap.unsolicited_responses.try_recv().is_ok() {
                said = true;
            }
            if (arrived || said) && sink.send(Batch::default()).await.is_err() {
                return Ok(());
            }
        }
    }
}
