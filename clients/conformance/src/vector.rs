//! Cases and steps, as they are written in `vectors/`.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{proxy::Plan, value::Scope};

/// A case: what a client is put through, and what must come of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The fact that it checks.
    #[serde(rename = "case")]
    pub name: String,
    /// Flags of the server.
    #[serde(default)]
    pub flags: Vec<String>,
    /// The case is run once for each value of these variables, in every combination.
    #[serde(default, rename = "for")]
    variables: BTreeMap<String, Vec<Value>>,
    /// What happens, in order. Parsed only when the variables are known.
    pub steps: Vec<Value>,
}

/// A step of a case, and what must come of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it does.
    pub verb: Verb,
    /// How it is done, and what must come of it.
    pub terms: Terms,
}

/// How a step is done, and what must come of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Terms {
    /// What the answer must hold. Nothing is said of what is not named.
    pub gives: Option<Value>,
    /// What the error must hold. Without it the step must not fail.
    pub fails: Option<Value>,
    /// Saves the answer, or with `background` names the step to be awaited.
    #[serde(rename = "as")]
    pub name: Option<String>,
    /// Whether the next step begins at once. The answer is checked by `await`.
    pub background: bool,
    /// How long it takes at least.
    pub at_least_ms: Option<u64>,
    /// How long it takes at most: far more than it should, for machines are busy.
    pub at_most_ms: Option<u64>,
}

impl Step {
    /// Makes a step of an object: one field is what it does, the others are its terms.
    ///
    /// # Errors
    ///
    /// If the object is not that.
    pub fn parse(step: Value) -> Result<Self> {
        let Value::Object(fields) = step else { bail!("not a step: {step}") };
        let names = ["gives", "fails", "as", "background", "at_least_ms", "at_most_ms"];
        let (terms, verb) = fields.into_iter().partition(|(name, _)| names.contains(&&**name));
        let (terms, verb): (Map<_, _>, Map<_, _>) = (terms, verb);
        ensure!(verb.len() == 1, "a step does one thing: {verb:?}");
        Ok(Self {
            verb: serde_json::from_value(Value::Object(verb))?,
            terms: serde_json::from_value(Value::Object(terms))?,
        })
    }
}

/// What a step does.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verb {
    /// A call by the client.
    Call(Call),
    /// Any other command for the adapter.
    Do(Do),
    /// A call past the client and the proxy.
    Direct(Call),
    /// Waits for a step in the background.
    Await(String),
    /// Asks a watch for events until so many commits have come after a snapshot.
    Collect(Collect),
    /// Asks a watch for events until one of a kind comes.
    Until(Until),
    /// Gives hats past the client, a commit each.
    Burst(Burst),
    /// Sets what the proxy does from now on.
    Proxy(Box<Plan>),
    /// What the proxy saw of a method's calls.
    Seen(String),
    /// Waits until the proxy saw so many calls of a method.
    UntilSeen(UntilSeen),
    /// What happens to the server.
    Server(Server),
    /// Compares two values.
    Value(Value),
}

/// A unary call.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// The RPC's name.
    pub method: String,
    /// The request, as JSON. None: the empty one.
    #[serde(default)]
    pub request: Value,
    /// The time that the call is given, instead of the client's default.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

/// A command for the adapter.
#[derive(Clone, Debug, Deserialize)]
pub struct Do {
    /// Which one.
    pub op: String,
    /// What it takes.
    #[serde(flatten)]
    pub fields: Map<String, Value>,
}

/// Commits of a watch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collect {
    /// The watch.
    pub watch: String,
    /// How many.
    pub commits: usize,
}

/// Events of a watch.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Until {
    /// The watch.
    pub watch: String,
    /// The kind of the last one.
    pub kind: String,
}

/// Commits that give a hat to a user and take it again.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// The room.
    pub room: String,
    /// The user.
    pub user: String,
    /// How many.
    pub count: usize,
}

/// Calls that the proxy sees.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UntilSeen {
    /// The RPC's name.
    pub method: String,
    /// How many, from the beginning of the case.
    pub count: usize,
}

/// What happens to the server.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// Ends it as an operator does, and waits for its end.
    Stop,
    /// Ends it at once (SIGKILL).
    Kill,
    /// Starts it where it was, on the data that it had.
    Start,
    /// Starts it where it was, on no data.
    StartEmpty,
}

impl Case {
    /// Returns the steps for each combination of the variables, with the variables filled in.
    ///
    /// # Errors
    ///
    /// If a step is not one.
    pub fn runs(&self) -> Result<Vec<(Scope, Vec<Value>)>> {
        let mut scopes = vec![Scope::default()];
        for (name, values) in &self.variables {
            scopes = scopes
                .iter()
                .flat_map(|scope| values.iter().map(|value| scope.with(name, value.clone())))
                .collect();
        }
        Ok(scopes.into_iter().map(|scope| (scope, self.steps.clone())).collect())
    }
}

/// Reads all cases of a directory, in the order of the files' names.
///
/// # Errors
///
/// If a file cannot be read or is not a list of cases, or two cases have one name.
pub fn read(directory: &Path) -> Result<Vec<Case>> {
    let entries = fs::read_dir(directory)
        .with_context(|| format!("failed to read {}", directory.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yaml") {
            files.push(path);
        }
    }
    files.sort();

    let mut cases: Vec<Case> = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let read: Vec<Case> = serde_saphyr::from_str(&text)
            .with_context(|| format!("{} is not a list of cases", file.display()))?;
        cases.extend(read);
    }
    for (index, case) in cases.iter().enumerate() {
        let again = cases.iter().skip(index + 1).any(|other| other.name == case.name);
        ensure!(!again, "two cases are named {}", case.name);
    }
    Ok(cases)
}
