//! What is wrong with a file of `hatctl import`, found before anything of it is sent.
//!
//! Lines are held to hatd's own types and, unless the server's are higher, to its default limits.
//! So a line that passes is refused only for what the server has already, or by lower limits.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasher as _, RandomState},
    time::SystemTime,
};

use hatd::{
    hat::{self, Document, HatId, Hue, LanguageTag, Title, check_line, check_text},
    jid::{RoomJid, UserJid},
    limits::Limits,
    time,
};
use hatd_client::{Timestamp, pb};

use crate::{
    errors::Error,
    input::Source,
    json::{Definition, Hats, HatsLine, Line},
};

/// What a file holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rooms: u64,
    pub(crate) definitions: u64,
    pub(crate) affiliations: u64,
    pub(crate) users: u64,
    pub(crate) hats: u64,
    pub(crate) expired_hats: u64,
}

impl Counts {
    pub(crate) fn lines(&self) -> u64 {
        self.rooms + self.definitions + self.affiliations + self.users
    }

    pub(crate) fn text(&self) -> String {
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

/// A room whose own settings would refuse hats that the file has for it: hats that were given
/// before the settings became stricter, which hatd keeps.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StrictRoom {
    pub(crate) room_jid: String,
    /// The line with the settings.
    pub(crate) line: usize,
    /// Whether there are hats that the policy, `DEFINED_ONLY`, refuses: the catalogue is without
    /// them.
    pub(crate) has_undefined_hats: bool,
    /// Whether there are hats that the eligibility, `AFFILIATED`, refuses: their users do not
    /// belong to the room.
    pub(crate) has_strangers: bool,
}

/// What a good file holds, and what sending it takes.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) counts: Counts,
    pub(crate) strict_rooms: Vec<StrictRoom>,
}

/// What lines are held to.
pub(crate) struct Rules {
    limits: Limits,
    /// Who gives the hats, and why: part of what a document's size is.
    context: pb::Context,
    /// Hats that ended before this are left out.
    now: Timestamp,
}

impl Rules {
    /// The rules for an import with this context. `any_size` leaves counts and lengths that the
    /// operator can raise to the server.
    ///
    /// # Errors
    ///
    /// [`Error::Usage`] if the server would refuse the context.
    pub(crate) fn new(context: Option<pb::Context>, any_size: bool) -> Result<Self, Error> {
        let mut limits = Limits::default();
        if any_size {
            limits.hat_id_bytes_max = usize::MAX;
            limits.title_bytes_max = usize::MAX;
            limits.localised_titles_max = usize::MAX;
            limits.description_bytes_max = usize::MAX;
            limits.actor_bytes_max = usize::MAX;
            limits.reason_bytes_max = usize::MAX;
            limits.hats_per_user_max = usize::MAX;
            limits.document_bytes_max = usize::MAX;
            limits.definitions_per_room_max = usize::MAX;
        }
        let context = context.unwrap_or_default();
        for (flag, text, bytes_max) in [
            ("--actor", &context.actor, limits.actor_bytes_max),
            ("--reason", &context.reason, limits.reason_bytes_max),
        ] {
            check_line(text, bytes_max)
                .map_err(|error| Error::Usage(format!("{flag}: {error}")))?;
        }
        Ok(Self { limits, context, now: SystemTime::now().into() })
    }

    /// Reads a whole file and checks each line for itself and against the others.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] names the first bad line; [`Error::File`] if the file cannot be read.
    pub(crate) fn check(&self, source: &Source) -> Result<Checked, Error> {
        let mut check = Check::new(self);
        for line in source.lines::<Line>()? {
            let (number, mut line) = line?;
            check.add(number, &mut line).map_err(|what| source.bad_line(number, what))?;
        }
        // What a user is to a room, and what the room is, may stand after the user's hats.
        for line in source.lines::<Line>()? {
            let (number, mut line) = line?;
            normalise(&mut line).map_err(|what| source.bad_line(number, what))?;
            if let Line::Hats(mut line) = line {
                drop_expired(&mut line.hats, &self.now);
                check.place(&line).map_err(|what| source.bad_line(number, what))?;
            }
        }
        Ok(check.into_checked())
    }

    /// Checks a line for itself.
    fn check_line(&self, line: &Line) -> Result<(), String> {
        match line {
            Line::Room(_) | Line::Affiliation(_) => Ok(()),
            Line::Definition(definition) => self.check_definition(definition),
            Line::Hats(line) => self.check_hats(&line.hats),
        }
    }

    fn check_definition(&self, definition: &Definition) -> Result<(), String> {
        self.hat_id(&definition.hat_id)?;
        self.title("title", &definition.title)?;
        let max = self.limits.localised_titles_max;
        if definition.titles.len() > max {
            return Err(format!("titles: more than {max} titles"));
        }
        let mut languages = BTreeMap::new();
        for (language, title) in &definition.titles {
            let field = format!("titles[{language:?}]");
            let tag = LanguageTag::parse(language).map_err(|error| format!("{field}: {error}"))?;
            if title.is_empty() {
                return Err(format!("{field}: a title cannot be empty"));
            }
            self.title(&field, title)?;
            if let Some(first) = languages.insert(tag, language) {
                return Err(format!("{field}: the same language as {first:?}"));
            }
        }
        if let Some(hue) = definition.hue
            && Hue::new(hue).is_none()
        {
            return Err(format!("hue {hue} is not from 0 to less than 360"));
        }
        check_text(&definition.description, self.limits.description_bytes_max)
            .map_err(|error| format!("description: {error}"))
    }

    /// Checks all hats of a user in a room.
    pub(crate) fn check_hats(&self, hats: &Hats) -> Result<(), String> {
        let mut document = Document::default();
        for (hat_id, attachment) in hats {
            let id = self.hat_id(hat_id)?;
            let title = self.title(&format!("title of {hat_id}"), &attachment.title)?;
            let expire_time = match attachment.expire_time {
                None => None,
                Some(at) => {
                    Some(time::Timestamp::new(at.0.seconds, at.0.nanos).ok_or_else(|| {
                        format!("expire_time of {hat_id}: not a time from year 1 to 9999")
                    })?)
                }
            };
            if !attachment.expire_time.is_some_and(|time| has_passed(&time.0, &self.now)) {
                // When the hat is given does not count for the size.
                let given = hat::Given {
                    actor: self.context.actor.clone(),
                    reason: self.context.reason.clone(),
                    time: time::Timestamp::MIN,
                };
                let given = Some(given);
                let attachment =
                    hat::Attachment { title, expire_time, given, ..Default::default() };
                document.hats.insert(id, attachment);
            }
        }
        let (hats, hats_max) = (document.hats.len(), self.limits.hats_per_user_max);
        if hats > hats_max {
            return Err(format!("{hats} hats, and a user has at most {hats_max} in a room"));
        }
        let (bytes, bytes_max) = (document.size_bytes(), self.limits.document_bytes_max);
        if bytes > bytes_max {
            return Err(format!(
                "{bytes} bytes of hats, and a user has at most {bytes_max} in a room"
            ));
        }
        Ok(())
    }

    fn hat_id(&self, text: &str) -> Result<HatId, String> {
        HatId::parse(text, self.limits.hat_id_bytes_max)
            .map_err(|error| format!("hat id {text:?}: {error}"))
    }

    /// A title that need not be there.
    fn title(&self, field: &str, text: &str) -> Result<Option<Title>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let title = Title::parse(text, self.limits.title_bytes_max);
        title.map(Some).map_err(|error| format!("{field}: {error}"))
    }
}

/// Gives the JIDs of a line the one spelling that hatd keeps, so that equal ones are equal texts.
///
/// # Errors
///
/// What is wrong with a JID.
pub(crate) fn normalise(line: &mut Line) -> Result<(), String> {
    match line {
        Line::Room(room) => normalise_room(&mut room.room_jid),
        Line::Definition(definition) => normalise_room(&mut definition.room_jid),
        Line::Affiliation(line) => {
            normalise_room(&mut line.room_jid)?;
            normalise_user(&mut line.user_jid)
        }
        Line::Hats(line) => {
            normalise_room(&mut line.room_jid)?;
            normalise_user(&mut line.user_jid)
        }
    }
}

fn normalise_room(text: &mut String) -> Result<(), String> {
    let jid = RoomJid::parse(text).map_err(|error| format!("room_jid {text:?}: {error}"))?;
    jid.as_str().clone_into(text);
    Ok(())
}

fn normalise_user(text: &mut String) -> Result<(), String> {
    let jid = UserJid::parse(text).map_err(|error| format!("user_jid {text:?}: {error}"))?;
    jid.as_str().clone_into(text);
    Ok(())
}

/// Drops hats that have ended: hatd would refuse to begin them.
pub(crate) fn drop_expired(hats: &mut Hats, now: &Timestamp) {
    hats.retain(|_, attachment| {
        !attachment.expire_time.is_some_and(|time| has_passed(&time.0, now))
    });
}

fn has_passed(time: &Timestamp, now: &Timestamp) -> bool {
    (time.seconds, time.nanos) <= (now.seconds, now.nanos)
}

/// What was read of a file so far.
struct Check<'a> {
    rules: &'a Rules,
    hasher: RandomState,
    /// What each line is about, hashed to bound the memory.
    seen: HashMap<u64, Seen>,
    rooms: HashMap<String, RoomSeen>,
    counts: Counts,
}

/// A line.
struct Seen {
    number: usize,
    /// None where the line is of something else.
    affiliation: Option<pb::Affiliation>,
}

/// What the file says of a room.
#[derive(Default)]
struct RoomSeen {
    /// The line with the settings; none before it, or without one.
    line: Option<usize>,
    hat_policy: Option<pb::HatPolicy>,
    eligibility: Option<pb::Eligibility>,
    definitions: usize,
    has_undefined_hats: bool,
    has_strangers: bool,
}

impl<'a> Check<'a> {
    fn new(rules: &'a Rules) -> Self {
        Self {
            rules,
            hasher: RandomState::new(),
            seen: HashMap::new(),
            rooms: HashMap::new(),
            counts: Counts::default(),
        }
    }

    /// Checks a line for itself and against those before it.
    fn add(&mut self, number: usize, line: &mut Line) -> Result<(), String> {
        normalise(line)?;
        self.rules.check_line(line)?;
        let affiliation = match line {
            Line::Affiliation(line) => line.affiliation.0,
            Line::Room(_) | Line::Definition(_) | Line::Hats(_) => None,
        };
        let key = self.hasher.hash_one(key(line));
        if let Some(first) = self.seen.insert(key, Seen { number, affiliation }) {
            return Err(format!("says again what line {} says", first.number));
        }
        match line {
            Line::Room(room) => {
                let seen = self.rooms.entry(room.room_jid.clone()).or_default();
                seen.line = Some(number);
                seen.hat_policy = room.hat_policy.0;
                seen.eligibility = room.eligibility.0;
                self.counts.rooms += 1;
            }
            Line::Definition(definition) => {
                let room = self.rooms.entry(definition.room_jid.clone()).or_default();
                room.definitions += 1;
                let max = self.rules.limits.definitions_per_room_max;
                if room.definitions > max {
                    return Err(format!("more than {max} definitions of one room"));
                }
                self.counts.definitions += 1;
            }
            Line::Affiliation(_) => self.counts.affiliations += 1,
            Line::Hats(line) => {
                let all = line.hats.len();
                drop_expired(&mut line.hats, &self.rules.now);
                self.counts.users += 1;
                self.counts.hats += line.hats.len() as u64;
                self.counts.expired_hats += (all - line.hats.len()) as u64;
            }
        }
        Ok(())
    }

    /// Checks a user's hats against all that the file says of the user and the room.
    fn place(&mut self, line: &HatsLine) -> Result<(), String> {
        let user = self.seen.get(&self.hasher.hash_one(user_key(&line.room_jid, &line.user_jid)));
        let affiliation = user.and_then(|seen| seen.affiliation);
        if affiliation == Some(pb::Affiliation::Outcast) {
            let at = user.map_or(0, |seen| seen.number);
            return Err(format!("hats of a user whom line {at} makes an OUTCAST"));
        }
        let Some(room) = self.rooms.get_mut(&line.room_jid) else { return Ok(()) };
        if room.eligibility == Some(pb::Eligibility::Affiliated)
            && matches!(affiliation, None | Some(pb::Affiliation::None))
        {
            room.has_strangers = true;
        }
        if room.hat_policy == Some(pb::HatPolicy::DefinedOnly) && !room.has_undefined_hats {
            room.has_undefined_hats = line.hats.keys().any(|hat_id| {
                let key = definition_key(&line.room_jid, hat_id);
                !self.seen.contains_key(&self.hasher.hash_one(key))
            });
        }
        Ok(())
    }

    fn into_checked(self) -> Checked {
        let strict = |(room_jid, room): (String, RoomSeen)| {
            let RoomSeen { has_undefined_hats, has_strangers, .. } = room;
            let line = room.line.filter(|_| has_undefined_hats || has_strangers)?;
            Some(StrictRoom { room_jid, line, has_undefined_hats, has_strangers })
        };
        let mut strict_rooms: Vec<_> = self.rooms.into_iter().filter_map(strict).collect();
        strict_rooms.sort_by_key(|room| room.line);
        Checked { counts: self.counts, strict_rooms }
    }
}

/// What a line is about: a second line with the same would undo the first.
type Key<'a> = (u8, &'a str, &'a str);

fn key(line: &Line) -> Key<'_> {
    match line {
        Line::Room(room) => (0, &room.room_jid, ""),
        Line::Definition(definition) => definition_key(&definition.room_jid, &definition.hat_id),
        Line::Affiliation(line) => user_key(&line.room_jid, &line.user_jid),
        Line::Hats(line) => (3, &line.room_jid, &line.user_jid),
    }
}

fn definition_key<'a>(room_jid: &'a str, hat_id: &'a str) -> Key<'a> {
    (1, room_jid, hat_id)
}

fn user_key<'a>(room_jid: &'a str, user_jid: &'a str) -> Key<'a> {
    (2, room_jid, user_jid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: impl Into<Vec<u8>>) -> Result<Checked, Error> {
        Rules::new(None, false).unwrap().check(&Source::held("-", text))
    }

    #[test]
    fn a_bad_line_is_named_and_said_to_be_bad() {
        for (line, says) in [
            (r#"{"room": {"room_jid": "r@c", "hat_policy": "SOME"}}"#, "ANY_URI, DEFINED_ONLY"),
            (r#"{"rooms": {"room_jid": "r@c"}}"#, "unknown variant `rooms`"),
            (r#"{"room": {"room_jid": "r@c", "colour": 1}}"#, "unknown field `colour`"),
            (r#"{"room": {}}"#, "missing field `room_jid`"),
            (r#"{"room": {"room_jid": "A@c"}}"#, "says again what line 1 says"),
            ("room", "expected value"),
        ] {
            let file = format!("{{\"room\": {{\"room_jid\": \"a@C\"}}}}\n\n{line}");
            let error = check(file).unwrap_err().to_string();
            assert!(error.starts_with("standard input:3: "), "{error}");
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn at_a_limit_a_line_is_good() {
        let hats = |count: usize, id_bytes: usize| {
            let hats = (10..10 + count)
                .map(|hat| format!(r#""urn:{hat}{:x<1$}": {{}}"#, "", id_bytes - 6));
            let hats: Vec<_> = hats.collect();
            format!(
                r#"{{"hats": {{"room_jid": "r@c", "user_jid": "u@h", "hats": {{{}}}}}}}"#,
                hats.join(", ")
            )
        };
        let is_good = |text: &str| check(text).is_ok();
        assert!(is_good(&hats(64, 6)) && !is_good(&hats(65, 6)));
        // 64 hats, each of 32 bytes and its id, in 64 KiB.
        assert!(is_good(&hats(64, 992)) && !is_good(&hats(64, 993)));
        assert!(is_good(&hats(1, 1023)) && !is_good(&hats(1, 1024)));
        let larger = Rules::new(None, true).unwrap();
        assert!(larger.check(&Source::held("-", hats(65, 1024))).is_ok());
        let context = pb::Context { actor: "a".into(), reason: String::new() };
        let longer = Rules::new(Some(context), false).unwrap();
        assert!(longer.check(&Source::held("-", hats(64, 992))).is_err(), "the actor counts");

        let definitions = |count: usize| {
            let line =
                |hat| format!(r#"{{"definition": {{"room_jid": "r@c", "hat_id": "urn:{hat}"}}}}"#);
            (0..count).map(line).collect::<Vec<_>>().join("\n")
        };
        assert!(is_good(&definitions(256)));
        let error = check(definitions(257)).unwrap_err().to_string();
        assert!(error.starts_with("standard input:257: more than 256"), "{error}");
    }

    #[test]
    fn a_context_that_would_be_refused_is_a_wrong_command_line() {
        let context = pb::Context { actor: String::new(), reason: "r".repeat(257) };
        let error = Rules::new(Some(context), false).map(|_| ()).unwrap_err();
        assert!(matches!(&error, Error::Usage(what) if what.starts_with("--reason: ")), "{error}");
    }

    #[test]
    fn rooms_that_refuse_hats_of_the_file_are_found_in_any_order() {
        let hats = |room: &str, user: &str, hat: &str| {
            format!(
                r#"{{"hats": {{"room_jid": "{room}@c", "user_jid": "{user}@h", "hats": {{"{hat}": {{}}}}}}}}"#
            )
        };
        let room = |room: &str, settings: &str| {
            format!(r#"{{"room": {{"room_jid": "{room}@c"{settings}}}}}"#)
        };
        let lines = [
            hats("strangers", "stranger", "urn:a"),
            hats("undefined", "stranger", "urn:a"),
            hats("good", "member", "urn:b"),
            hats("open", "stranger", "urn:a"),
            hats("unsaid", "stranger", "urn:a"),
            room("strangers", r#", "eligibility": "AFFILIATED""#),
            room("undefined", r#", "hat_policy": "DEFINED_ONLY", "eligibility": "ANYONE""#),
            room("good", r#", "hat_policy": "DEFINED_ONLY", "eligibility": "AFFILIATED""#),
            room("open", r#", "hat_policy": "ANY_URI", "eligibility": "ANYONE""#),
            room("unsaid", ""),
            r#"{"definition": {"room_jid": "GOOD@c", "hat_id": "urn:b"}}"#.to_owned(),
            r#"{"affiliation": {"room_jid": "good@c", "user_jid": "Member@h", "affiliation": "MEMBER"}}"#
                .to_owned(),
        ];
        let strict = |room: &str, line, has_undefined_hats, has_strangers| StrictRoom {
            room_jid: format!("{room}@c"),
            line,
            has_undefined_hats,
            has_strangers,
        };
        assert_eq!(
            check(lines.join("\n")).unwrap().strict_rooms,
            [strict("strangers", 6, false, true), strict("undefined", 7, true, false)]
        );
    }
}
