//! `hatctl import`: lines of rooms, definitions, affiliations and hats, sent in few calls.
//!
//! The file is read once to check it, then once for each of three steps, since a room must be there
//! before its users and they before their hats, whatever the order of the lines. What is held
//! meanwhile is bounded, except that the check keeps a number for each line to find repetitions.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    hash::{BuildHasher as _, RandomState},
    time::{Instant, SystemTime},
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hatd_client::{Client, Timestamp, pb};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use prost::Message as _;

use crate::{
    cli,
    errors::{Error, note},
    input::{Lines, Source, index_of},
    json::{self, Hats, Line},
};

/// Calls that are in flight together: from about this many writers on, hatd shares each wait for
/// the disk among them.
const CALLS: usize = 16;

/// Rooms of one `SyncRooms` call without affiliations. The server takes 10,000.
const ROOMS_PER_CALL: usize = 1_000;
/// Affiliations of one `SyncRooms` call. The server takes 10,000 a room.
const AFFILIATIONS_PER_CALL: usize = 5_000;
/// Users of one `UpdateRoomHats` call: the server's most.
const USERS_PER_COMMIT: usize = 500;
/// Bytes of one `UpdateRoomHats` call. A commit is at most 1 MiB as watchers get it, which is the new
/// documents and the attachments before; this leaves room for as much as is written.
const COMMIT_BYTES: usize = 400 * 1024;
/// Bytes of hats, as encoded, that are held to make large commits of lines that come in no order.
/// In memory they take about twenty times as much.
const HELD_BYTES: usize = 4 * 1024 * 1024;

/// Reads and checks a file, and sends nothing.
pub(crate) fn check(arguments: &cli::Import) -> Result<(), Error> {
    let source = Source::open(&arguments.file)?;
    let counts = validate(&source)?;
    note(&format!("{} is good: {}", source.name(), counts.text()));
    Ok(())
}

/// Reads and checks a file, then sends it.
pub(crate) async fn run(hatd: &Client, arguments: cli::Import) -> Result<(), Error> {
    let source = Source::open(&arguments.file)?;
    let counts = validate(&source)?;
    let import = Import {
        hatd,
        source: &source,
        max_removed_hats: arguments.max_removed_hats,
        context: arguments.context.into_pb(),
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
    Ok(())
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

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    rooms: u64,
    definitions: u64,
    affiliations: u64,
    users: u64,
    hats: u64,
    expired_hats: u64,
}

impl Counts {
    fn lines(&self) -> u64 {
        self.rooms + self.definitions + self.affiliations + self.users
    }

    fn text(&self) -> String {
        let Self { rooms, definitions, affiliations, users, hats, expired_hats } = self;
        let expired = match expired_hats {
            0 => String::new(),
            _ => format!(", without {expired_hats} that have expired"),
        };
        format!(
            "{rooms} rooms, {definitions} definitions, {affiliations} affiliations, {hats} hats \
             of {users} users{expired}"
        )
    }
}

/// Reads a whole file and checks each line for itself and against repetition.
fn validate(source: &Source) -> Result<Counts, Error> {
    let now = SystemTime::now().into();
    let hasher = RandomState::new();
    let mut seen = HashMap::new();
    let mut counts = Counts::default();
    for line in source.lines::<Line>()? {
        let (number, line) = line?;
        check_line(&line).map_err(|what| source.bad_line(number, what))?;
        if let Some(first) = seen.insert(hasher.hash_one(key(&line)), number) {
            let what = format!("says again what line {first} says");
            return Err(source.bad_line(number, what));
        }
        match line {
            Line::Room(_) => counts.rooms += 1,
            Line::Definition(_) => counts.definitions += 1,
            Line::Affiliation(_) => counts.affiliations += 1,
            Line::Hats(mut line) => {
                let all = line.hats.len();
                drop_expired(&mut line.hats, &now);
                counts.users += 1;
                counts.hats += line.hats.len() as u64;
                counts.expired_hats += (all - line.hats.len()) as u64;
            }
        }
    }
    Ok(counts)
}

/// What a line is about: a second line with the same would undo the first.
fn key(line: &Line) -> (u8, &str, &str) {
    match line {
        Line::Room(room) => (0, &room.room_jid, ""),
        Line::Definition(definition) => (1, &definition.room_jid, &definition.hat_id),
        Line::Affiliation(line) => (2, &line.room_jid, &line.user_jid),
        Line::Hats(line) => (3, &line.room_jid, &line.user_jid),
    }
}

/// Checks what needs no server to see. hatd checks the rest.
fn check_line(line: &Line) -> Result<(), String> {
    match line {
        Line::Room(room) => check_room(&room.room_jid),
        Line::Definition(definition) => {
            check_room(&definition.room_jid)?;
            check_hat(&definition.hat_id)?;
            match definition.hue {
                Some(hue) if !(0.0..360.0).contains(&hue) => {
                    Err(format!("hue {hue} is not from 0 to less than 360"))
                }
                _ => Ok(()),
            }
        }
        Line::Affiliation(line) => {
            check_room(&line.room_jid)?;
            check_user(&line.user_jid)
        }
        Line::Hats(line) => {
            check_room(&line.room_jid)?;
            check_user(&line.user_jid)?;
            line.hats.keys().try_for_each(|hat_id| check_hat(hat_id))
        }
    }
}

fn check_room(jid: &str) -> Result<(), String> {
    match jid.split_once('@') {
        Some((local, _)) if !local.is_empty() && is_bare_jid(jid) => Ok(()),
        _ => Err(format!("room_jid {jid:?} is not a bare JID with a local part")),
    }
}

fn check_user(jid: &str) -> Result<(), String> {
    if is_bare_jid(jid) { Ok(()) } else { Err(format!("user_jid {jid:?} is not a bare JID")) }
}

fn is_bare_jid(jid: &str) -> bool {
    let domain = jid.split_once('@').map_or(jid, |(_, domain)| domain);
    !domain.is_empty()
        && !domain.contains('@')
        && !jid.starts_with('@')
        && !jid.contains(|c: char| c == '/' || c.is_control() || c == ' ')
}

fn check_hat(hat_id: &str) -> Result<(), String> {
    let is_uri = hat_id.bytes().all(|byte| byte.is_ascii_graphic())
        && hat_id.split_once(':').is_some_and(|(scheme, _)| {
            scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        });
    if is_uri { Ok(()) } else { Err(format!("hat id {hat_id:?} is not an absolute URI")) }
}

/// Drops hats that have ended: hatd would refuse to begin them.
fn drop_expired(hats: &mut Hats, now: &Timestamp) {
    let ended = |time: &Timestamp| (time.seconds, time.nanos) <= (now.seconds, now.nanos);
    hats.retain(|_, attachment| !attachment.expire_time.is_some_and(|time| ended(&time.0)));
}

/// An import under way.
struct Import<'a> {
    hatd: &'a Client,
    source: &'a Source,
    max_removed_hats: u32,
    context: Option<pb::Context>,
    progress: ProgressBar,
}

impl Import<'_> {
    async fn run(&self) -> Result<(), Error> {
        self.step(Rooms::default()).await?;
        self.step(Users::default()).await?;
        self.step(Wardrobes::new()).await
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
                Some(Ok((number, line))) => batcher.push(number, line, &mut self.ready),
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
                let (users, lines) = self.rooms.entry(line.room_jid).or_default();
                users.push(pb::UserAffiliation {
                    user_jid: line.user_jid,
                    affiliation: line.affiliation.value(),
                });
                lines.push(number);
                self.held += 1;
                if self.held == AFFILIATIONS_PER_CALL {
                    self.finish(ready);
                }
            }
            Line::Room(_) | Line::Hats(_) => {}
        }
    }

    fn finish(&mut self, ready: &mut VecDeque<Batch>) {
        let Self { rooms, held } = std::mem::take(self);
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
}

/// Hats of one room that wait to be sent.
#[derive(Default)]
struct Wardrobe {
    operations: Vec<pb::SetOperation>,
    lines: Vec<usize>,
    bytes: usize,
}

impl Wardrobes {
    fn new() -> Self {
        Self { rooms: BTreeMap::new(), held_bytes: 0, now: SystemTime::now().into() }
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
        let bytes = operation.encoded_len();

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

    fn batches<B: Batcher>(source: &Source, batcher: B) -> Vec<Batch> {
        let lines = source.lines().unwrap();
        let batches = Batches { lines, batcher: Some(batcher), ready: VecDeque::new() };
        batches.map(|batch| batch.unwrap()).collect()
    }

    fn hats(count: usize, title_bytes: usize) -> Source {
        let title = "t".repeat(title_bytes);
        let line = |user| {
            format!(
                r#"{{"hats": {{"room_jid": "r@c", "user_jid": "u{user}@h", "hats": {{"urn:a": {{"title": "{title}"}}}}}}}}"#
            )
        };
        Source::held((0..count).map(line).collect::<Vec<_>>().join("\n"))
    }

    #[test]
    fn commits_hold_no_more_than_the_server_takes() {
        for (count, title_bytes, commits) in
            [(500, 1, 1), (501, 1, 2), (1_000, 1, 2), (1_001, 1, 3), (30, 100_000, 8)]
        {
            let batches = batches(&hats(count, title_bytes), Wardrobes::new());
            assert_eq!(batches.len(), commits, "{count} of {title_bytes} bytes");
            let mut lines = Vec::new();
            for batch in batches {
                let Batch::Update { operations, lines: these, .. } = batch else { unreachable!() };
                assert!(operations.len() <= USERS_PER_COMMIT);
                assert!(
                    operations.iter().map(pb::SetOperation::encoded_len).sum::<usize>()
                        <= COMMIT_BYTES
                );
                lines.extend(these);
            }
            assert_eq!(lines, (1..=count).collect::<Vec<_>>());
        }
    }

    #[test]
    fn each_step_takes_its_own_lines_in_any_order() {
        let source = Source::held(
            [
                r#"{"hats": {"room_jid": "r@c", "user_jid": "u@h", "hats": {"urn:a": {"active": true}}}}"#,
                r#"{"affiliation": {"room_jid": "r@c", "user_jid": "u@h", "affiliation": "member"}}"#,
                r#"{"definition": {"room_jid": "r@c", "hat_id": "urn:a", "hue": 12.5}}"#,
                r#"{"room": {"room_jid": "r@c", "hat_policy": "DEFINED_ONLY"}}"#,
            ]
            .join("\n"),
        );
        let counts = validate(&source).unwrap();
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
        let wardrobes = batches(&source, Wardrobes::new());
        assert!(matches!(&wardrobes[..], [Batch::Update { lines, .. }] if *lines == [1]));
    }

    #[test]
    fn expired_hats_are_left_out_and_counted() {
        let source = Source::held(
            r#"{"hats": {"room_jid": "r@c", "user_jid": "u@h", "hats":
                {"urn:a": {"expire_time": "2001-01-01T00:00:00Z"},
                 "urn:b": {"expire_time": "9001-01-01T00:00:00Z"}}}}"#
                .replace('\n', " "),
        );
        let counts = validate(&source).unwrap();
        assert_eq!((counts.hats, counts.expired_hats), (1, 1));
        let batches = batches(&source, Wardrobes::new());
        let [Batch::Update { operations, .. }] = &batches[..] else { unreachable!() };
        assert_eq!(operations[0].hats.keys().collect::<Vec<_>>(), ["urn:b"]);
    }

    #[test]
    fn a_bad_line_is_named_and_said_to_be_bad() {
        for (line, says) in [
            (r#"{"room": {"room_jid": "localhost"}}"#, "is not a bare JID with a local part"),
            (r#"{"room": {"room_jid": "r@c/x"}}"#, "is not a bare JID with a local part"),
            (r#"{"room": {"room_jid": "r@c", "hat_policy": "SOME"}}"#, "ANY_URI, DEFINED_ONLY"),
            (r#"{"rooms": {"room_jid": "r@c"}}"#, "unknown variant `rooms`"),
            (r#"{"room": {"room_jid": "r@c", "colour": 1}}"#, "unknown field `colour`"),
            (r#"{"room": {}}"#, "missing field `room_jid`"),
            (r#"{"definition": {"room_jid": "r@c", "hat_id": "a"}}"#, "is not an absolute URI"),
            (r#"{"definition": {"room_jid": "r@c", "hat_id": "urn:a", "hue": 360}}"#, "hue 360"),
            (r#"{"room": {"room_jid": "a@c"}}"#, "says again what line 1 says"),
            ("room", "expected value"),
        ] {
            let source = Source::held(format!("{{\"room\": {{\"room_jid\": \"a@c\"}}}}\n\n{line}"));
            let error = validate(&source).unwrap_err().to_string();
            assert!(error.starts_with("standard input:3: "), "{error}");
            assert!(error.contains(says), "{error}");
        }
    }
}
