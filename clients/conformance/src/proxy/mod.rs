//! What stands between a client and hatd, and cuts, loses, holds and forges.

mod connection;
mod forward;
mod plan;
mod seen;
mod stream;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, Result};
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use serde_json::Value;
use tokio::{
    net::TcpListener,
    sync::{Notify, oneshot},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

pub use self::plan::{Call, Calls, Plan, Streams, Then};
use self::{
    connection::{Connection, Freezable},
    forward::Forwarder,
    plan::Progress,
    seen::Seen,
};
use crate::contract::Contract;

/// A proxy before one hatd.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    accepting: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    progress: Progress,
    seen: Seen,
    seen_changed: Arc<Notify>,
    connections: Vec<Connection>,
}

impl Proxy {
    /// Begins to listen on a free port.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub async fn start(contract: Contract, hatd: SocketAddr) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let state = Arc::new(Mutex::new(State::default()));
        let accepting = tokio::spawn(accept(listener, contract, hatd, Arc::clone(&state)));
        Ok(Self { address, state, accepting })
    }

    /// Where clients find it.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets what happens from now on. Connections that were frozen are closed.
    pub fn follow(&self, plan: Plan) {
        let mut state = lock(&self.state);
        state.connections.retain(|connection| {
            if connection.is_frozen() {
                connection.close();
            }
            !connection.is_frozen() && !connection.is_closed()
        });
        if plan.freeze {
            for connection in &state.connections {
                connection.freeze();
            }
        }
        state.progress = Progress::new(plan);
    }

    /// What was seen of a method's calls.
    pub fn seen(&self, method: &str) -> Value {
        lock(&self.state).seen.of(method)
    }

    /// Waits until so many calls of a method were seen.
    ///
    /// # Errors
    ///
    /// If they do not come in time.
    pub async fn until_seen(&self, method: &str, count: usize, limit: Duration) -> Result<()> {
        let wait = async {
            let changed = Arc::clone(&lock(&self.state).seen_changed);
            loop {
                let notified = changed.notified();
                if lock(&self.state).seen.count(method) >= count {
                    return;
                }
                notified.await;
            }
        };
        timeout(limit, wait).await.with_context(|| format!("{method} was not called {count} times"))
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves whoever comes, until it is dropped together with all connections.
async fn accept(
    listener: TcpListener,
    contract: Contract,
    hatd: SocketAddr,
    state: Arc<Mutex<State>>,
) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        if lock(&state).progress.plan.refuse || stream.set_nodelay(true).is_err() {
            continue;
        }
        let io = Freezable::new(stream);
        let (known, connection) = oneshot::channel();
        let (contract, shared) = (contract.clone(), Arc::clone(&state));
        let handle = io.handle();
        let task = connections.spawn(async move {
            let Ok(connection) = connection.await else { return };
            serve(io, Forwarder { hatd, contract, state: shared, connection }).await;
        });
        let connection = handle(task);
        lock(&state).connections.push(connection.clone());
        // The task waits for the handle on itself.
        _ = known.send(connection);
    }
}

async fn serve(io: Freezable, forwarder: Forwarder) {
    let service = service_fn(move |request| forwarder.clone().answer(request));
    // How a connection ends is the client's to notice.
    _ = auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(io), service).await;
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
