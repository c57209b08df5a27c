//! What the proxy does to what passes.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::contract::Forged;

/// What the proxy does from now on. The default is nothing: all passes as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What happens to watches.
    #[serde(default)]
    pub streams: Option<Streams>,
    /// What happens to unary calls.
    #[serde(default)]
    pub calls: Option<Calls>,
    /// The connections that are open stay so, and nothing passes on them in either direction.
    #[serde(default)]
    pub freeze: bool,
    /// New connections are closed at once.
    #[serde(default)]
    pub refuse: bool,
}

/// What happens to each stream of a watch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Streams {
    /// How many responses of each stream pass before.
    pub after: u64,
    /// What happens then.
    pub then: Then,
    /// To how many streams with the same selectors. To all, if it does not say.
    #[serde(default)]
    pub times: Option<u64>,
    /// Whether watches without selectors, such as the mirror of the runner, are left alone.
    #[serde(default)]
    pub spare_mirror: bool,
}

/// What happens to one stream.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// The connection is closed.
    Disconnect,
    /// The stream is reset, and the connection lives.
    Reset,
    /// The stream ends as if all were well.
    End,
    /// Nothing comes any more, and the stream stays open.
    Hold,
    /// The next response is lost.
    Lose,
    /// The next response comes twice.
    Repeat,
    /// The stream ends with this status.
    Fail(Forged),
    /// A response comes that hatd did not send. `<last>` in it is the last token that passed.
    Insert(Value),
}

/// What happens to each unary call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calls {
    /// Only calls of this method.
    #[serde(default)]
    pub method: Option<String>,
    /// How many calls. All, if it does not say.
    #[serde(default)]
    pub times: Option<u64>,
    /// What happens.
    pub then: Call,
}

/// What happens to one unary call.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// hatd never sees it, and this is the answer.
    Fail(Forged),
    /// hatd does it, and this is the answer.
    LoseAnswer(Forged),
    /// hatd does it, and the connection is closed instead of an answer.
    Disconnect,
    /// hatd does it, and nothing is answered.
    Hold,
}

/// A plan, and how much of it is used up.
#[derive(Debug, Default)]
pub(super) struct Progress {
    pub(super) plan: Plan,
    streams: HashMap<Vec<Value>, u64>,
    calls: u64,
}

impl Progress {
    pub(super) fn new(plan: Plan) -> Self {
        Self { plan, ..Self::default() }
    }

    /// Takes what is to happen to a new stream with these selectors.
    pub(super) fn take_stream(&mut self, selectors: &[Value]) -> Option<Streams> {
        let streams = self.plan.streams.as_ref()?;
        if streams.spare_mirror && selectors.is_empty() {
            return None;
        }
        let used = self.streams.entry(selectors.to_vec()).or_default();
        *used += 1;
        streams.times.is_none_or(|times| *used <= times).then(|| streams.clone())
    }

    /// Takes what is to happen to a call.
    pub(super) fn take_call(&mut self, method: &str) -> Option<Call> {
        let calls = self.plan.calls.as_ref()?;
        if calls.method.as_ref().is_some_and(|only| only != method) {
            return None;
        }
        self.calls += 1;
        calls.times.is_none_or(|times| self.calls <= times).then(|| calls.then.clone())
    }
}
