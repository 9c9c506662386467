//! The only place that spawns.
//!
//! Owns: every task of the process, by name, and the two ways of stopping: a graceful stop that is asked, a firm stop that is
//! done. Promises: a panic in a task is logged, counted and stays in that task; nothing outlives [`Lifecycle::stop`].
//! Must not: know what a task does.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// Handle to all tasks. Cheap to clone.
#[derive(Clone, Default)]
pub struct Lifecycle {
    tracker: TaskTracker,
    graceful: CancellationToken,
    firm: CancellationToken,
    panics: Arc<AtomicU64>,
}

/// How a task ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended<T> {
    Returned(T),
    /// It panicked; logged and counted.
    Panicked,
    /// It was still busy at the firm stop.
    Cut,
}

impl Lifecycle {
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task. A task that runs on watches [`Lifecycle::stopping`] and ends by itself when that is asked.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may spawn")]
    pub fn spawn<F>(&self, name: &'static str, future: F) -> JoinHandle<Ended<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(
            self.tracker.track_future(self.guarded(name, future).instrument(tracing::info_span!("task", name))),
        )
    }

    /// As `spawn`, for tasks of which there are many and whose lines in the log say by themselves what they are about (connections).
    #[expect(clippy::disallowed_methods, reason = "this is the one place that may spawn")]
    pub fn spawn_one_of_many<F>(&self, name: &'static str, future: F) -> JoinHandle<Ended<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        tokio::spawn(self.tracker.track_future(self.guarded(name, future)))
    }

    fn guarded<F: Future>(&self, name: &'static str, future: F) -> impl Future<Output = Ended<F::Output>> + use<F> {
        let (firm, panics) = (self.firm.clone(), self.panics.clone());
        async move {
            tokio::select! {
                outcome = AssertUnwindSafe(future).catch_unwind() => match outcome {
                    Ok(value) => Ended::Returned(value),
                    Err(panic) => {
                        panics.fetch_add(1, Ordering::Relaxed);
                        tracing::error!(task = name, panic = panic_text(panic.as_ref()), "a task panicked");
                        Ended::Panicked
                    }
                },
                () = firm.cancelled() => Ended::Cut,
            }
        }
    }

    /// Counts a task that somebody else runs (a socket that axum upgraded) among ours: `stop` waits for it and cuts it.
    pub async fn track<F: Future>(&self, future: F) -> Option<F::Output> {
        let firm = self.firm.clone();
        self.tracker
            .track_future(async move {
                tokio::select! {
                    output = future => Some(output),
                    () = firm.cancelled() => None,
                }
            })
            .await
    }

    /// Fires when everybody is asked to finish.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.graceful.clone()
    }

    /// Panics since the start, those of request handlers included.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    /// Counts a panic that was caught elsewhere (a request handler).
    pub fn count_panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// Asks every task to finish, waits at most `grace`, then cuts what is left. Returns how many were cut.
    pub async fn stop(&self, grace: Duration) -> usize {
        self.graceful.cancel();
        self.tracker.close();
        if tokio::time::timeout(grace, self.tracker.wait()).await.is_ok() {
            return 0;
        }
        let left = self.tracker.len();
        tracing::warn!(left, "tasks did not finish in time and are cut");
        self.firm.cancel();
        self.tracker.wait().await;
        left
    }
}

/// Runs work that blocks a thread (hashing, reading a large file) away from the tasks.
///
/// # Errors
/// The work panicked, or the process is stopping.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|e| e.to_string())
}

/// Lets this process open as many files and connections as the machine allows it: the limit it starts with is often 1024, for the sake
/// of programs that cannot count further.
pub fn raise_open_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        if limit.current != limit.maximum
            && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
}

/// Fires at SIGINT or SIGTERM.
pub async fn asked_to_stop() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
            return;
        }
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// What a panic said.
#[must_use]
pub fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}

#[cfg(test)]
mod tests {
    use super::{Ended, Lifecycle};
    use std::time::Duration;

    #[tokio::test]
    async fn a_panic_stays_in_its_task_and_is_counted() {
        let life = Lifecycle::new();
        let bad = life.spawn("bad", async { panic!("on purpose") });
        let good = life.spawn("good", async { 7 });
        assert_eq!(bad.await.unwrap(), Ended::<()>::Panicked);
        assert_eq!(good.await.unwrap(), Ended::Returned(7));
        assert_eq!(life.panics(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_does_not_listen_is_cut_and_who_listens_finishes() {
        let life = Lifecycle::new();
        let stopping = life.stopping();
        let polite = life.spawn("polite", async move { stopping.cancelled().await });
        let deaf = life.spawn("deaf", std::future::pending::<()>());
        assert_eq!(life.stop(Duration::from_secs(5)).await, 1);
        assert_eq!(polite.await.unwrap(), Ended::Returned(()));
        assert_eq!(deaf.await.unwrap(), Ended::Cut);
    }

    #[cfg(unix)]
    #[test]
    fn a_process_may_open_what_the_machine_allows() {
        use rustix::process::{Resource, getrlimit};
        super::raise_open_files();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }
}
