//! The layers, read from the sources: who may name whom, and who may do what.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The library's modules from the bottom up: each may name those before it, and no others.
const LAYERS: [&str; 17] = [
    "error",
    "planted",
    "telemetry",
    "jid",
    "time",
    "hat",
    "limits",
    "origin",
    "config",
    "commit",
    "command",
    "store",
    "watch",
    "pb",
    "status",
    "service",
    "server",
];

/// The functional core: values and rules, without any I/O.
const CORE: [&str; 6] = ["jid", "time", "hat", "limits", "commit", "command"];

/// What hatctl names of the library: what it checks a file with before it sends any of it.
const CHECKS: [&str; 4] = ["jid", "hat", "limits", "time"];

/// A source file of the library, without comments and tests.
struct Source {
    /// Below `src`.
    path: String,
    code: String,
}

impl Source {
    fn layer(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    fn is_in(&self, layers: &[&str]) -> bool {
        layers.contains(&self.layer())
    }

    /// The lines that hold a text, each with its place.
    fn lines_with<'a>(&'a self, text: &'a str) -> impl Iterator<Item = String> + 'a {
        let lines = self.code.lines().filter(move |line| line.contains(text));
        lines.map(|line| format!("src/{}: {}", self.path, line.trim()))
    }
}

/// The library's sources.
fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    collect(&src, &mut files);
    let sources: Vec<_> = files
        .into_iter()
        .map(|file| {
            let path = file.strip_prefix(&src).unwrap().to_str().unwrap().to_owned();
            Source { path, code: code(&fs::read_to_string(&file).unwrap()) }
        })
        .filter(|source| !source.is_in(&["bin", "lib", "tests"]))
        .filter(|source| !source.path.contains("/tests"))
        .collect();
    assert!(sources.len() > 30, "the sources are where they are looked for");
    sources
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The code of a file: its tests, which stand last, and its comments are left out.
fn code(text: &str) -> String {
    let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The modules of the crate that code names, as `crate::a` or within `crate::{a, b::{c}}`.
fn named(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => _ = names.insert(first_name(rest)),
            Some(group) => {
                let mut depth = 0_i32;
                let mut start = 0;
                for (index, c) in group.char_indices() {
                    match c {
                        '{' => depth += 1,
                        '}' if depth > 0 => depth -= 1,
                        ',' | '}' if depth == 0 => {
                            names.insert(first_name(group[start..index].trim()));
                            start = index + 1;
                            if c == '}' {
                                break;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }
    names.remove("");
    names
}

fn first_name(path: &str) -> String {
    path.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

/// Asserts that no line outside of some places holds one of the texts.
fn check_only(texts: &[&str], is_allowed: impl Fn(&Source) -> bool, why: &str) {
    let sources = sources();
    let lines: Vec<_> = sources
        .iter()
        .filter(|source| !is_allowed(source))
        .flat_map(|source| texts.iter().flat_map(|text| source.lines_with(text)))
        .collect();
    assert!(lines.is_empty(), "{why}:\n{}", lines.join("\n"));
}

#[test]
fn names_are_found_in_every_form() {
    let code =
        "use crate::store::{self, Error};\nuse crate::{hat::{A, B}, pb,\n    watch};\ncrate::x()";
    let names = ["hat", "pb", "store", "watch", "x"].map(str::to_owned);
    assert_eq!(named(code), BTreeSet::from(names));
}

#[test]
fn every_module_has_its_place_in_the_layers() {
    let modules: BTreeSet<_> = sources().iter().map(|source| source.layer().to_owned()).collect();
    assert_eq!(modules, LAYERS.map(str::to_owned).into());
}

#[test]
fn imports_point_down_only() {
    for source in sources() {
        let layer = LAYERS.iter().position(|layer| *layer == source.layer()).unwrap();
        for name in named(&source.code) {
            let below = LAYERS[..=layer].contains(&name.as_str());
            assert!(below, "src/{} names crate::{name}, which is above it", source.path);
        }
    }
}

#[test]
fn hatctl_names_only_values_of_the_library() {
    let mut files = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/hatctl"), &mut files);
    assert!(files.len() > 5, "the sources are where they are looked for");
    for file in files {
        let code = code(&fs::read_to_string(&file).unwrap());
        // The same text would not do for its own crate, of which it may name everything.
        let library = code.replace("crate::", "").replace("hatd::", "crate::");
        for name in named(&library) {
            let is_value = CHECKS.contains(&name.as_str());
            assert!(is_value, "{} names hatd::{name}", file.display());
        }
    }
}

#[test]
fn the_core_does_no_io_and_reads_no_clock() {
    let io = [
        "std::fs",
        "std::io",
        "std::net",
        "std::env",
        "std::process",
        "std::thread",
        "tokio",
        "tracing",
        "async fn",
        ".await",
    ];
    check_only(&io, |source| !source.is_in(&CORE), "the core does no I/O");
    let clocks = ["Timestamp::now", "SystemTime", "Instant::now", "rand::"];
    let no_clock = |source: &Source| !source.is_in(&CORE) || source.is_in(&["time"]);
    check_only(&clocks, no_clock, "the same request on the same state is the same decision");
}

#[test]
fn messages_and_grpc_stay_above_the_domain() {
    let above = ["pb", "status", "service", "server"];
    check_only(&["pb::"], |source| source.is_in(&above), "pb:: is named by services only");
    let crates = ["tonic", "prost", "axum::", "hyper", "tower"];
    check_only(&crates, |source| source.is_in(&above), "gRPC is the services' business");
}

#[test]
fn statuses_are_built_in_one_place() {
    let constructors = [
        " Status::new(",
        "(Status::new(",
        "tonic::Status::new(",
        "Status::with_",
        "Status::ok(",
        "Status::cancelled(",
        "Status::unknown(",
        "Status::invalid_argument(",
        "Status::deadline_exceeded(",
        "Status::not_found(",
        "Status::already_exists(",
        "Status::permission_denied(",
        "Status::resource_exhausted(",
        "Status::failed_precondition(",
        "Status::aborted(",
        "Status::out_of_range(",
        "Status::unimplemented(",
        "Status::internal(",
        "Status::unavailable(",
        "Status::data_loss(",
        "Status::unauthenticated(",
        "Status::from_error(",
    ];
    check_only(&constructors, |source| source.is_in(&["status"]), "only status.rs builds statuses");
}

#[test]
fn sled_is_named_in_one_module() {
    let documents = |source: &Source| source.path.starts_with("store/embedded/documents/");
    check_only(&["sled"], documents, "only documents/ names sled");
    check_only(&["watch_prefix", "flush_async"], |_| false, "sled's traps are not used");
}

#[test]
fn tasks_are_spawned_by_the_server_only_and_threads_by_the_store() {
    check_only(
        &["tokio::spawn(", "spawn_local(", "thread::spawn("],
        |_| false,
        "tasks are tracked",
    );
    let places =
        |source: &Source| source.is_in(&["server"]) || source.path == "store/embedded/open.rs";
    check_only(&[".spawn("], places, "tasks are spawned by the server");
    let sources = sources();
    let store = sources.iter().find(|source| source.path == "store/embedded/open.rs").unwrap();
    assert_eq!(store.lines_with(".spawn(").count(), 1, "the store begins its threads in one place");
}

#[test]
fn every_queue_is_bounded() {
    let unbounded = ["unbounded_channel", "mpsc::channel()", "unbounded("];
    check_only(&unbounded, |_| false, "every queue has a bound");
}
