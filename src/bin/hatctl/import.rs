//! `hatctl import`: lines of rooms, definitions, affiliations and hats, sent in few calls.
//!
//! The file is read twice to check it, then once for each of three steps, since a room must be there
//! before its users and they before their hats, whatever the order of the lines. What is held
//! meanwhile is bounded, except that the check keeps a number for each line to find repetitions,
//! and the name of each room.
//!
//! hatd keeps hats that were given before a room's settings became stricter, but would not give
//! them again. Rooms with such hats are opened for the step that sends hats, and closed after it.

use std::{
    collections::{BTreeMap, VecDeque},
    time::{Instant, SystemTime},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hatd_client::{Client, Timestamp, pb};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use prost::Message as _;

use crate::{
    check::{Rules, StrictRoom, drop_expired, normalise},
    cli::{self, ImportFrom},
    errors::{Error, note},
    input::{Lines, Source, index_of},
    json::{self, Line},
    prosody,
};

/// Calls that are in flight together: from about this many writers on, hatd shares each wait for
/// the disk among them.
const CALLS: usize = 16;

/// Rooms of one `SyncRooms` call without affiliations. The server takes 10,000, in a message of
/// 4 MiB: a JID as hatd keeps it has less than half of what this leaves to each.
const ROOMS_PER_CALL: usize = 1_000;
/// Affiliations of one `SyncRooms` call. The server takes 10,000 a room.
const AFFILIATIONS_PER_CALL: usize = 5_000;
/// Bytes of affiliations of one `SyncRooms` call, as watchers get them. All may be of one room, and
/// so one commit, which is at most 1 MiB; the message is smaller.
const AFFILIATION_BYTES: usize = 768 * 1024;
/// What an affiliation takes in a commit besides its JIDs, in bytes: at most 70, for its revision,
/// etag, time and the lengths of fields.
const BYTES_BESIDES_JIDS: usize = 80;
/// Users of one `UpdateRoomHats` call: the server's most.
const USERS_PER_COMMIT: usize = 500;
/// Bytes of one `UpdateRoomHats` call, as watchers get what it writes. A commit is at most 1 MiB,
/// which is the new documents and the attachments before; this leaves room for as much as is
/// written.
const COMMIT_BYTES: usize = 500 * 1024;
/// What a hat takes in a commit besides its texts, in bytes: at most 50, for the time it was given,
/// the type of the change and the lengths of fields.
const BYTES_BESIDES_HAT: usize = 64;
/// Bytes of hats, as watchers get them, that are held to make large commits of lines that come in
/// no order. In memory they take about ten times as much.
const HELD_BYTES: usize = 8 * 1024 * 1024;

/// Reads and checks what is to be imported, and sends nothing.
pub(crate) fn check(arguments: cli::Import) -> Result<(), Error> {
    let (from, how) = arguments.into_parts();
    let rules = Rules::new(how.context.into_pb(), how.any_size)?;
    let (source, refused) = open(from, &rules)?;
    let counts = rules.check(&source)?.counts;
    note(&format!("{} is good: {}", source.name(), counts.text()));
    all_taken(refused)
}

/// Opens what is to be imported. Answers also how much of it hatd does not take: that was told.
fn open(from: ImportFrom, rules: &Rules) -> Result<(Source, usize), Error> {
    let data_dir = match from {
        ImportFrom::File(file) => return Ok((Source::open(&file)?, 0)),
        ImportFrom::Prosody(data_dir) => data_dir,
    };
    let prosody::Read { lines, refused, passed_over } = prosody::read(&data_dir, rules)?;
    for refused in &refused {
        note(&format!("not taken: {refused}"));
    }
    if passed_over > 0 {
        note(&format!("passed over {passed_over} rooms that are not persistent or destroyed"));
    }
    Ok((Source::held(data_dir, lines), refused.len()))
}

fn all_taken(refused: usize) -> Result<(), Error> {
    if refused == 0 { Ok(()) } else { Err(Error::NotTaken(refused)) }
}

/// Reads and checks what is to be imported, then sends it.
pub(crate) async fn run(hatd: &Client, arguments: cli::Import) -> Result<(), Error> {
    let (from, how) = arguments.into_parts();
    let context = how.context.into_pb();
    let rules = Rules::new(context.clone(), how.any_size)?;
    let (source, refused) = open(from, &rules)?;
    let checked = rules.check(&source)?;
    let counts = checked.counts;
    let import = Import {
        hatd,
        source: &source,
        strict_rooms: &checked.strict_rooms,
        max_removed_hats: how.max_removed_hats,
        context,
        progress: progress(counts.lines()),
    };

    let start = Instant::now();
    let result = import.run().await;
    import.progress.finish_and_clear();
    if result.is_err() {
        note(
            "note: what was sent before the error is done; mend it and import the file again: \
             what is there already will not change",
        );
    }
    result?;
    let seconds = start.elapsed().as_secs_f64();
    note(&format!("imported {} in {seconds:.1} s", counts.text()));
    all_taken(refused)
}

/// A bar on standard error, if that is a terminal.
fn progress(lines: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(lines), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} lines, {eta} left") {
        Ok(style) => bar.with_style(style),
        // The default style serves as well.
        Err(_) => bar,
    }
}

/// An import under way.
struct Import<'a> {
    hatd: &'a Client,
    source: &'a Source,
    strict_rooms: &'a [StrictRoom],
    max_removed_hats: u32,
    context: Option<pb::Context>,
    progress: ProgressBar,
}

impl Import<'_> {
    async fn run(&self) -> Result<(), Error> {
        self.step(Rooms::default()).await?;
        self.step(Users::default()).await?;
        if self.strict_rooms.is_empty() {
            return self.step(Wardrobes::new(self.context.as_ref())).await;
        }
        self.set_strictness(pb::HatPolicy::AnyUri, pb::Eligibility::Anyone).await?;
        let sent = self.step(Wardrobes::new(self.context.as_ref())).await;
        // A refusal leaves no room open. It says more than what may follow from it.
        let closed =
            self.set_strictness(pb::HatPolicy::DefinedOnly, pb::Eligibility::Affiliated).await;
        sent.and(closed)
    }

    /// Changes those settings of the strict rooms that would refuse hats of the file.
    async fn set_strictness(
        &self,
        hat_policy: pb::HatPolicy,
        eligibility: pb::Eligibility,
    ) -> Result<(), Error> {
        for rooms in self.strict_rooms.chunks(ROOMS_PER_CALL) {
            let entry = |room: &StrictRoom| pb::SyncEntry {
                room_jid: room.room_jid.clone(),
                hat_policy: if room.has_undefined_hats { hat_policy.into() } else { 0 },
                eligibility: if room.has_strangers { eligibility.into() } else { 0 },
                mode: pb::SyncMode::Upsert.into(),
                ..Default::default()
            };
            let entries = rooms.iter().map(entry).collect();
            let lines = rooms.iter().map(|room| vec![room.line]).collect();
            self.send(Batch::Sync { entries, lines }).await?;
        }
        Ok(())
    }

    /// Reads the file and sends what one step wants of it.
    async fn step(&self, batcher: impl Batcher) -> Result<(), Error> {
        let batches =
            Batches { lines: self.source.lines()?, batcher: Some(batcher), ready: VecDeque::new() };
        stream::iter(batches)
            .map(|batch| async {
                let lines = self.send(batch?).await?;
                self.progress.inc(lines as u64);
                Ok(())
            })
            .buffer_unordered(CALLS)
            .try_collect()
            .await
    }

    /// Sends a batch, and returns how many lines were in it.
    async fn send(&self, batch: Batch) -> Result<usize, Error> {
        let context = self.context.clone();
        match batch {
            Batch::Sync { entries, lines } => {
                let request = pb::SyncRoomsRequest {
                    entries,
                    max_removed_hats: self.max_removed_hats,
                    context,
                    ..Default::default()
                };
                let answer = self.hatd.sync_rooms(request).await;
                answer.map_err(|error| {
                    let (entry, path) = match violation(&error, "entries") {
                        Some((entry, path)) => (lines.get(entry), path),
                        None => (None, ""),
                    };
                    let all: Vec<_> = entry.map_or_else(|| lines.concat(), Clone::clone);
                    let index = index_of(path, "affiliations").map(|(index, _)| index);
                    self.source.error(&all, index, error)
                })?;
                Ok(lines.iter().map(Vec::len).sum())
            }
            Batch::Define { request, line } => {
                let answer =
                    self.hatd.define_hat(pb::DefineHatRequest { context, ..*request }).await;
                answer.map_err(|error| self.source.error(&[line], Some(0), error))?;
                Ok(1)
            }
            Batch::Update { room_jid, operations, lines } => {
                let users: Vec<_> = operations.iter().map(|set| set.user_jid.clone()).collect();
                let set = |set| pb::HatOperation {
                    operation: Some(pb::hat_operation::Operation::Set(set)),
                };
                let request = pb::UpdateRoomHatsRequest {
                    room_jid,
                    operations: operations.into_iter().map(set).collect(),
                    context,
                    ..Default::default()
                };
                let answer = self.hatd.update_room_hats(request).await;
                answer.map_err(|error| {
                    let named = error.metadata("user_jid");
                    let index = violation(&error, "operations")
                        .map(|(index, _)| index)
                        .or_else(|| users.iter().position(|user| Some(user.as_str()) == named));
                    self.source.error(&lines, index, error)
                })?;
                Ok(lines.len())
            }
        }
    }
}

/// Returns which element of a repeated field a refusal is about, and where in it.
fn violation<'a>(error: &'a hatd_client::Error, field: &str) -> Option<(usize, &'a str)> {
    index_of(&error.rpc()?.field_violations.first()?.field, field)
}

/// What one call sends, and the lines it came from.
enum Batch {
    Sync { entries: Vec<pb::SyncEntry>, lines: Vec<Vec<usize>> },
    Define { request: Box<pb::DefineHatRequest>, line: usize },
    Update { room_jid: String, operations: Vec<pb::SetOperation>, lines: Vec<usize> },
}

/// Takes lines and makes batches of those that its step is about.
trait Batcher {
    fn push(&mut self, number: usize, line: Line, ready: &mut VecDeque<Batch>);

    /// Makes batches of what is left.
    fn finish(&mut self, ready: &mut VecDeque<Batch>);
}

/// The batches of a file, made as they are asked for.
struct Batches<'a, B> {
    lines: Lines<'a, Line>,
    /// None once the file has ended.
    batcher: Option<B>,
    ready: VecDeque<Batch>,
}

impl<B: Batcher> Iterator for Batches<'_, B> {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.ready.pop_front() {
                return Some(Ok(batch));
            }
            let batcher = self.batcher.as_mut()?;
            match self.lines.next() {
                Some(Ok((number, mut line))) => match normalise(&mut line) {
                    Ok(()) => batcher.push(number, line, &mut self.ready),
                    Err(what) => return Some(Err(self.lines.bad_line(number, what))),
                },
                Some(Err(error)) => return Some(Err(error)),
                None => {
                    batcher.finish(&mut self.ready);
                    self.batcher = None;
                }
            }
        }
    }
}

/// The first step: rooms and their settings.
#[derive(Default)]
struct Rooms {
    entries: Vec<pb::SyncEntry>,
    lines: Vec<Vec<usize>>,
}

impl Batcher for Rooms {
    fn push(&mut self, number: usize, line: Line, ready: &mut VecDeque<Batch>) {
        let Line::Room(room) = line else { return };
        self.entries.push(pb::SyncEntry {
            room_jid: room.room_jid,
            hat_policy: room.hat_policy.value(),
            eligibility: room.eligibility.value(),
            mode: pb::SyncMode::Upsert.into(),
            ..Default::default()
        });
        self.lines.push(vec![number]);
        if self.entries.len() == ROOMS_PER_CALL {
            self.finish(ready);
        }
    }

    fn finish(&mut self, ready: &mut VecDeque<Batch>) {
        if !self.entries.is_empty() {
            let Self { entries, lines } = std::mem::take(self);
            ready.push_back(Batch::Sync { entries, lines });
        }
    }
}

/// The second step: who belongs to the rooms, and the catalogues.
#[derive(Default)]
struct Users {
    rooms: BTreeMap<String, (Vec<pb::UserAffiliation>, Vec<usize>)>,
    held: usize,
    held_bytes: usize,
}

impl Batcher for Users {
    fn push(&mut self, number: usize, line: Line, ready: &mut VecDeque<Batch>) {
        match line {
            Line::Definition(definition) => {
                let request = pb::DefineHatRequest {
                    room_jid: definition.room_jid.clone(),
                    definition: Some(definition.into()),
                    ..Default::default()
                };
                ready.push_back(Batch::Define { request: Box::new(request), line: number });
            }
            Line::Affiliation(line) => {
                let bytes = line.room_jid.len() + line.user_jid.len() + BYTES_BESIDES_JIDS;
                if self.held == AFFILIATIONS_PER_CALL || self.held_bytes + bytes > AFFILIATION_BYTES
                {
                    self.finish(ready);
                }
                let (users, lines) = self.rooms.entry(line.room_jid).or_default();
                users.push(pb::UserAffiliation {
                    user_jid: line.user_jid,
                    affiliation: line.affiliation.value(),
                });
                lines.push(number);
                self.held += 1;
                self.held_bytes += bytes;
            }
            Line::Room(_) | Line::Hats(_) => {}
        }
    }

    fn finish(&mut self, ready: &mut VecDeque<Batch>) {
        let Self { rooms, held, .. } = std::mem::take(self);
        if held == 0 {
            return;
        }
        let (entries, lines) = rooms
            .into_iter()
            .map(|(room_jid, (affiliations, lines))| {
                let mode = pb::SyncMode::Upsert.into();
                (pb::SyncEntry { room_jid, mode, affiliations, ..Default::default() }, lines)
            })
            .unzip();
        ready.push_back(Batch::Sync { entries, lines });
    }
}

/// The third step: hats.
struct Wardrobes {
    rooms: BTreeMap<String, Wardrobe>,
    held_bytes: usize,
    now: Timestamp,
    /// What who gave a hat, and why, takes for each, in bytes.
    given_bytes: usize,
}

/// Hats of one room that wait to be sent.
#[derive(Default)]
struct Wardrobe {
    operations: Vec<pb::SetOperation>,
    lines: Vec<usize>,
    bytes: usize,
}

impl Wardrobes {
    fn new(context: Option<&pb::Context>) -> Self {
        let given_bytes = context.map_or(0, |context| context.actor.len() + context.reason.len());
        Self { rooms: BTreeMap::new(), held_bytes: 0, now: SystemTime::now().into(), given_bytes }
    }

    /// What an operation takes in its commit, in bytes: each hat is there with its attachment, and
    /// once more as a change.
    fn commit_bytes(&self, room_jid: &str, operation: &pb::SetOperation) -> usize {
        let changes = operation.hats.keys();
        let changes: usize =
            changes.map(|hat_id| hat_id.len() + self.given_bytes + BYTES_BESIDES_HAT).sum();
        room_jid.len() + BYTES_BESIDES_JIDS + operation.encoded_len() + changes
    }
}

impl Wardrobe {
    fn into_batch(self, room_jid: String) -> Batch {
        Batch::Update { room_jid, operations: self.operations, lines: self.lines }
    }
}

impl Batcher for Wardrobes {
    fn push(&mut self, number: usize, line: Line, ready: &mut VecDeque<Batch>) {
        let Line::Hats(mut line) = line else { return };
        drop_expired(&mut line.hats, &self.now);
        let operation = pb::SetOperation {
            user_jid: line.user_jid,
            hats: json::pb_hats(line.hats),
            hat_id_prefix: String::new(),
        };
        let bytes = self.commit_bytes(&line.room_jid, &operation);

        let wardrobe = self.rooms.entry(line.room_jid.clone()).or_default();
        if wardrobe.operations.len() == USERS_PER_COMMIT
            || (wardrobe.bytes + bytes > COMMIT_BYTES && !wardrobe.operations.is_empty())
        {
            let full = std::mem::take(wardrobe);
            self.held_bytes -= full.bytes;
            ready.push_back(full.into_batch(line.room_jid));
        }
        wardrobe.operations.push(operation);
        wardrobe.lines.push(number);
        wardrobe.bytes += bytes;
        self.held_bytes += bytes;
        if self.held_bytes > HELD_BYTES {
            self.finish(ready);
        }
    }

    fn finish(&mut self, ready: &mut VecDeque<Batch>) {
        let rooms = std::mem::take(&mut self.rooms);
        self.held_bytes = 0;
        // A room whose last wardrobe was sent in full holds an empty one.
        let held = rooms.into_iter().filter(|(_, wardrobe)| !wardrobe.operations.is_empty());
        ready.extend(held.map(|(room_jid, wardrobe)| wardrobe.into_batch(room_jid)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Counts;

    fn check(source: &Source) -> Counts {
        Rules::new(None, false).unwrap().check(source).unwrap().counts
    }

    fn batches<B: Batcher>(source: &Source, batcher: B) -> Vec<Batch> {
        let lines = source.lines().unwrap();
        let batches = Batches { lines, batcher: Some(batcher), ready: VecDeque::new() };
        batches.map(|batch| batch.unwrap()).collect()
    }

    fn hats(users: usize, hats_per_user: usize) -> Source {
        let title = "t".repeat(256);
        let hats: Vec<_> = (0..hats_per_user)
            .map(|hat| format!(r#""urn:{hat}": {{"title": "{title}"}}"#))
            .collect();
        let hats = hats.join(", ");
        let line = |user| {
            format!(
                r#"{{"hats": {{"room_jid": "r@c", "user_jid": "u{user}@h", "hats": {{{hats}}}}}}}"#
            )
        };
        Source::held("-", (0..users).map(line).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn commits_hold_no_more_than_the_server_takes() {
        let long = pb::Context { actor: "a".repeat(1023), reason: "r".repeat(256) };
        for (users, hats_per_user, context, commits) in [
            (500, 1, None, 1),
            (501, 1, None, 2),
            (1_000, 1, None, 2),
            (1_001, 1, None, 3),
            (100, 64, None, 5),
            (500, 1, Some(&long), 2),
        ] {
            let batches = batches(&hats(users, hats_per_user), Wardrobes::new(context));
            assert_eq!(batches.len(), commits, "{users} users with {hats_per_user}");
            let mut lines = Vec::new();
            for batch in batches {
                let Batch::Update { operations, lines: these, .. } = batch else { unreachable!() };
                assert!(operations.len() <= USERS_PER_COMMIT);
                let wardrobes = Wardrobes::new(context);
                let bytes = operations.iter().map(|set| wardrobes.commit_bytes("r@c", set));
                assert!(bytes.sum::<usize>() <= COMMIT_BYTES);
                lines.extend(these);
            }
            assert_eq!(lines, (1..=users).collect::<Vec<_>>());
        }
    }

    #[test]
    fn calls_hold_no_more_affiliations_than_the_server_takes() {
        for (users, local_bytes, calls) in
            [(5_000, 20, 1), (5_001, 20, 2), (1_000, 1_000, 2), (10_000, 1_000, 14)]
        {
            let filler = "u".repeat(local_bytes - 5);
            let line = |user| {
                format!(
                    r#"{{"affiliation": {{"room_jid": "r@c", "user_jid": "{filler}{user:05}@h", "affiliation": "MEMBER"}}}}"#
                )
            };
            let lines: Vec<_> = (0..users).map(line).collect();
            let batches = batches(&Source::held("-", lines.join("\n")), Users::default());
            assert_eq!(batches.len(), calls, "{users} of {local_bytes} bytes");
            let mut sent = Vec::new();
            for batch in batches {
                let Batch::Sync { entries, lines } = batch else { unreachable!() };
                let bytes: usize = entries.iter().map(pb::SyncEntry::encoded_len).sum();
                assert!(bytes <= AFFILIATION_BYTES, "{bytes}");
                sent.extend(lines.concat());
            }
            assert_eq!(sent, (1..=users).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_step_takes_its_own_lines_in_any_order() {
        let source = Source::held("-", 
            [
                r#"{"hats": {"room_jid": "r@c", "user_jid": "u@h", "hats": {"urn:a": {"active": true}}}}"#,
                r#"{"affiliation": {"room_jid": "r@c", "user_jid": "u@h", "affiliation": "member"}}"#,
                r#"{"definition": {"room_jid": "r@c", "hat_id": "urn:a", "hue": 12.5}}"#,
                r#"{"room": {"room_jid": "r@c", "hat_policy": "DEFINED_ONLY"}}"#,
            ]
            .join("\n"),
        );
        let counts = check(&source);
        let expected = Counts {
            rooms: 1,
            definitions: 1,
            affiliations: 1,
            users: 1,
            hats: 1,
            ..Default::default()
        };
        assert_eq!(counts, expected);

        let rooms = batches(&source, Rooms::default());
        assert!(matches!(&rooms[..], [Batch::Sync { lines, .. }] if *lines == [[4]]));
        let users = batches(&source, Users::default());
        assert!(matches!(
            &users[..],
            [Batch::Define { line: 3, .. }, Batch::Sync { lines, .. }] if *lines == [[2]]
        ));
        let wardrobes = batches(&source, Wardrobes::new(None));
        assert!(matches!(&wardrobes[..], [Batch::Update { lines, .. }] if *lines == [1]));
    }

    #[test]
    fn expired_hats_are_left_out_and_counted() {
        let source = Source::held(
            "-",
            r#"{"hats": {"room_jid": "r@c", "user_jid": "u@h", "hats":
                {"urn:a": {"expire_time": "2001-01-01T00:00:00Z"},
                 "urn:b": {"expire_time": "9001-01-01T00:00:00Z"}}}}"#
                .replace('\n', " "),
        );
        let counts = check(&source);
        assert_eq!((counts.hats, counts.expired_hats), (1, 1));
        let batches = batches(&source, Wardrobes::new(None));
        let [Batch::Update { operations, .. }] = &batches[..] else { unreachable!() };
        assert_eq!(operations[0].hats.keys().collect::<Vec<_>>(), ["urn:b"]);
    }
}
