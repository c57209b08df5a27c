//! Rooms, affiliations and hats as Prosody keeps them, made into the lines of an import.
//!
//! Prosody's internal storage keeps each room of a MUC component as a file of its own,
//! `HOST/config/ROOM.dat`, whose names are percent-encoded. `mod_muc_hats_api` keeps hats there,
//! among what a room knows of those who belong to it.

mod lua;

use std::{
    collections::BTreeMap,
    fmt::Display,
    fs,
    path::{Path, PathBuf},
};

use hatd::jid::{RoomJid, UserJid};
use hatd_client::pb;

use self::lua::Value;
use crate::{
    check::Rules,
    errors::Error,
    json::{AffiliationLine, Attachment, Hats, HatsLine, Line, Named, Room},
};

/// What was read.
pub(crate) struct Read {
    /// As an import file has them, one a line.
    pub(crate) lines: String,
    /// What hatd does not take, and why, one a line.
    pub(crate) refused: Vec<String>,
    /// Files of rooms that Prosody would not bring back: not persistent, or destroyed.
    pub(crate) passed_over: usize,
}

/// Reads the rooms of all components in a data directory.
///
/// # Errors
///
/// [`Error::File`] if a file cannot be read, [`Error::Input`] if it is not as Prosody writes them,
/// [`Error::Usage`] if no component in the directory keeps rooms.
pub(crate) fn read(data_dir: &Path, rules: &Rules) -> Result<Read, Error> {
    let mut reader = Reader { rules, rooms: BTreeMap::new(), refused: Vec::new(), passed_over: 0 };
    let mut has_rooms = false;
    for host in sorted(data_dir)? {
        let config = host.join("config");
        if !config.is_dir() {
            continue;
        }
        for file in sorted(&config)? {
            if file.extension().is_some_and(|extension| extension == "dat") {
                has_rooms = true;
                reader.read_room(&file)?;
            }
        }
    }
    if !has_rooms {
        let dir = data_dir.display();
        return Err(Error::Usage(format!("{dir} has no HOST/config/ROOM.dat of Prosody")));
    }
    reader.finish()
}

/// The paths in a directory, by name.
fn sorted(dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::File { path: dir.to_owned(), source };
    let entries = fs::read_dir(dir).map_err(unreadable)?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths.map_err(unreadable)?;
    paths.sort();
    Ok(paths)
}

struct Reader<'a> {
    rules: &'a Rules,
    rooms: BTreeMap<String, Users>,
    refused: Vec<String>,
    passed_over: usize,
}

/// Those who belong to a room, by JID, and their hats.
type Users = BTreeMap<String, (pb::Affiliation, Hats)>;

impl Reader<'_> {
    fn read_room(&mut self, file: &Path) -> Result<(), Error> {
        let bytes = fs::read(file);
        let bytes = bytes.map_err(|source| Error::File { path: file.to_owned(), source })?;
        let stored = lua::parse(&bytes).map_err(|malformed| Error::Input {
            place: format!("{}:{}", file.display(), malformed.line),
            what: malformed.what.to_owned(),
        })?;
        let set = |name: &str| stored.get("_data")?.get(name);
        if !set("persistent").is_some_and(Value::is_truthy)
            || set("destroyed").is_some_and(Value::is_truthy)
        {
            self.passed_over += 1;
            return Ok(());
        }
        // Prosody before 0.10 wrote `jid`, and affiliations in a table of their own.
        let room = stored.get("_jid").or_else(|| stored.get("jid")).and_then(Value::as_text);
        let room = room.ok_or_else(|| Error::Input {
            place: file.display().to_string(),
            what: "the room's JID is missing".to_owned(),
        })?;
        let room_jid = match RoomJid::parse(room) {
            Ok(room_jid) => room_jid.as_str().to_owned(),
            Err(error) => {
                self.refuse(room, "", "", &error);
                return Ok(());
            }
        };
        if self.rooms.contains_key(&room_jid) {
            self.refuse(room, "", "", &"another file has the same room");
            return Ok(());
        }
        let mut users = self.read_affiliations(&room_jid, &stored);
        self.read_hats(&room_jid, &stored, &mut users);
        self.rooms.insert(room_jid, users);
        Ok(())
    }

    fn read_affiliations(&mut self, room: &str, stored: &Value) -> Users {
        let mut users = Users::new();
        let own_table = stored.get("_affiliations").map_or(&[][..], Value::entries);
        for (user, affiliation) in stored.entries().iter().chain(own_table) {
            let (Some(user), Some(affiliation)) = (user.as_text(), affiliation.as_text()) else {
                continue;
            };
            // No JID begins so: what a room is besides its users.
            if user.starts_with('_') || user == "jid" {
                continue;
            }
            let affiliation = match affiliation {
                "owner" => pb::Affiliation::Owner,
                "admin" => pb::Affiliation::Admin,
                "member" => pb::Affiliation::Member,
                "outcast" => pb::Affiliation::Outcast,
                "none" => continue,
                other => {
                    let why = format!("no affiliation is called {other:?}");
                    self.refuse(room, user, "", &why);
                    continue;
                }
            };
            match UserJid::parse(user) {
                Err(error) => self.refuse(room, user, "", &error),
                Ok(jid) if users.contains_key(jid.as_str()) => {
                    self.refuse(
                        room,
                        user,
                        "",
                        &"another spelling of the same user comes before it",
                    );
                }
                Ok(jid) => _ = users.insert(jid.as_str().to_owned(), (affiliation, Hats::new())),
            }
        }
        users
    }

    fn read_hats(&mut self, room: &str, stored: &Value, users: &mut Users) {
        let data = stored.get("_affiliation_data").map_or(&[][..], Value::entries);
        for (user, data) in data {
            let (Some(user), Some(stored)) = (user.as_text(), data.get("hats")) else { continue };
            let mut hats = Hats::new();
            for (hat, attachment) in stored.entries() {
                match self.hat(hat, attachment) {
                    Ok((hat, attachment)) => _ = hats.insert(hat, attachment),
                    Err(why) => {
                        let hat = hat.as_text().map_or_else(|| hat.to_string(), str::to_owned);
                        self.refuse(room, user, &hat, &why);
                    }
                }
            }
            let why = match UserJid::parse(user).map(|user| users.get_mut(user.as_str())) {
                Err(error) => error.to_string(),
                Ok(None) => "the user does not belong to the room".to_owned(),
                Ok(Some((pb::Affiliation::Outcast, _))) => "the user is an outcast".to_owned(),
                Ok(Some((_, has))) if !has.is_empty() => {
                    "another spelling of the same user comes before it".to_owned()
                }
                Ok(Some((_, has))) => match self.rules.check_hats(&hats) {
                    Ok(()) => {
                        *has = hats;
                        continue;
                    }
                    Err(why) => why,
                },
            };
            for hat in hats.keys() {
                self.refuse(room, user, hat, &why);
            }
        }
    }

    /// A hat as an import has it.
    fn hat(&self, hat: &Value, attachment: &Value) -> Result<(String, Attachment), String> {
        let hat = hat.as_text().ok_or("the hat id is no text")?.to_owned();
        let Value::Table(_) = attachment else {
            return Err(format!("{attachment} stands where a table belongs"));
        };
        let is_set = |name| attachment.get(name).is_some_and(Value::is_truthy);
        let title = match attachment.get("title") {
            None => String::new(),
            Some(title) => title.as_text().ok_or("the title is no text")?.to_owned(),
        };
        let attachment = Attachment {
            active: is_set("active"),
            required: is_set("required"),
            title,
            ..Attachment::default()
        };
        let alone = Hats::from([(hat.clone(), attachment.clone())]);
        self.rules.check_hats(&alone)?;
        Ok((hat, attachment))
    }

    fn refuse(&mut self, room: &str, user: &str, hat: &str, why: &dyn Display) {
        let what = [room, user, hat].into_iter().filter(|part| !part.is_empty());
        // On one line, whatever is in them.
        let what: Vec<_> = what.map(|part| part.escape_debug().to_string()).collect();
        self.refused.push(format!("{}: {why}", what.join(" ")));
    }

    fn finish(self) -> Result<Read, Error> {
        let mut lines = String::new();
        let mut add = |line: &Line| -> Result<(), Error> {
            lines.push_str(&serde_json::to_string(line)?);
            lines.push('\n');
            Ok(())
        };
        for (room_jid, users) in self.rooms {
            add(&Line::Room(Room::of(&room_jid)))?;
            for (user_jid, (affiliation, hats)) in users {
                add(&Line::Affiliation(AffiliationLine {
                    room_jid: room_jid.clone(),
                    user_jid: user_jid.clone(),
                    affiliation: Named(Some(affiliation)),
                }))?;
                if !hats.is_empty() {
                    let room_jid = room_jid.clone();
                    add(&Line::Hats(HatsLine { room_jid, user_jid, hats }))?;
                }
            }
        }
        Ok(Read { lines, refused: self.refused, passed_over: self.passed_over })
    }
}

/// Which line of a file is not as Prosody writes it; none if all are.
#[cfg(test)]
pub(crate) fn bad_line(file: &[u8]) -> Option<usize> {
    lua::parse(file).err().map(|malformed| malformed.line)
}
