//! What the proxy saw of the calls.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderMap;
use serde_json::{Value, json};

/// What was seen of each method's calls. Watches without selectors, such as the mirror of the
/// runner, are not counted.
#[derive(Debug, Default)]
pub(super) struct Seen(BTreeMap<String, Calls>);

#[derive(Clone, Debug, Default)]
struct Calls {
    count: usize,
    request_ids: BTreeSet<String>,
    without_request_id: usize,
    without_timeout: usize,
    user_agents: BTreeSet<String>,
    authorizations: BTreeSet<String>,
    starts: Vec<&'static str>,
}

impl Seen {
    pub(super) fn note(&mut self, method: &str, headers: &HeaderMap, request: &Value) {
        let header = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
        };
        let calls = self.0.entry(method.to_owned()).or_default();
        calls.count += 1;
        match request.get("requestId").and_then(Value::as_str) {
            Some(id) => _ = calls.request_ids.insert(id.to_owned()),
            None => calls.without_request_id += 1,
        }
        calls.without_timeout += usize::from(header("grpc-timeout").is_empty());
        // A browser lets no page name itself in `user-agent`: gRPC-Web has another header for it.
        let user_agent = match header("x-user-agent") {
            web if web.is_empty() => header("user-agent"),
            web => web,
        };
        calls.user_agents.insert(user_agent);
        calls.authorizations.insert(header("authorization"));
        calls.starts.push(if request.get("resumeToken").is_some() {
            "resume_token"
        } else if request.get("now").is_some() {
            "now"
        } else {
            "snapshot"
        });
    }

    pub(super) fn count(&self, method: &str) -> usize {
        self.0.get(method).map_or(0, |calls| calls.count)
    }

    pub(super) fn of(&self, method: &str) -> Value {
        let calls = self.0.get(method).cloned().unwrap_or_default();
        json!({
            "count": calls.count,
            "request_ids": calls.request_ids.len(),
            "without_request_id": calls.without_request_id,
            "without_timeout": calls.without_timeout,
            "user_agents": calls.user_agents,
            "authorizations": calls.authorizations,
            "starts": calls.starts,
        })
    }
}
