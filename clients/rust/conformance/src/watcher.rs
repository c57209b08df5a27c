//! A watch that can be asked for its status while its next event is waited for.

use std::future::pending;

use hatd_client::{Counters, Error, Event, Watch};
use tokio::{
    select,
    sync::{mpsc, oneshot},
};

/// Commands that may be ahead of a watch; one more waits.
const ASKED_LEN: usize = 8;

/// A watch in a task of its own, which ends with this.
#[derive(Clone)]
pub(crate) struct Watcher(mpsc::Sender<Ask>);

/// Where a watch is.
pub(crate) struct Status {
    pub(crate) token: String,
    pub(crate) counters: Counters,
}

type Next = oneshot::Sender<Result<Event, Error>>;

enum Ask {
    Next(Next),
    Status(oneshot::Sender<Status>),
    Close,
}

impl Watcher {
    pub(crate) fn new(watch: Watch) -> Self {
        let (asks, asked) = mpsc::channel(ASKED_LEN);
        tokio::spawn(run(watch, asked));
        Self(asks)
    }

    pub(crate) async fn next(&self) -> Result<Event, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Next(reply)).await;
        answer.await.unwrap_or(Err(Error::Closed))
    }

    pub(crate) async fn status(&self) -> Result<Status, Error> {
        let (reply, answer) = oneshot::channel();
        self.ask(Ask::Status(reply)).await;
        answer.await.map_err(|_| Error::Closed)
    }

    pub(crate) async fn close(&self) {
        self.ask(Ask::Close).await;
    }

    async fn ask(&self, ask: Ask) {
        // The task outlives its handles, so it is there.
        _ = self.0.send(ask).await;
    }
}

async fn run(mut watch: Watch, mut asked: mpsc::Receiver<Ask>) {
    let mut waiting: Option<Next> = None;
    loop {
        let waits = waiting.is_some();
        let left = async {
            match &mut waiting {
                Some(reply) => reply.closed().await,
                None => pending().await,
            }
        };
        select! {
            // Who has left is not given an event, which would then be lost.
            biased;
            () = left => waiting = None,
            ask = asked.recv() => match ask {
                Some(Ask::Next(reply)) => waiting = Some(reply),
                Some(Ask::Status(reply)) => {
                    let token = watch.token().unwrap_or_default().to_owned();
                    _ = reply.send(Status { token, counters: watch.counters() });
                }
                Some(Ask::Close) => watch.close(),
                None => return,
            },
            event = watch.next(), if waits => {
                if let Some(reply) = waiting.take() {
                    _ = reply.send(event);
                }
            }
        }
    }
}
