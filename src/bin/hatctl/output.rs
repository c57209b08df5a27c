//! Results on standard output: tables for people, JSON for programs.

use std::io::{self, BufWriter, Stdout, Write as _};

use comfy_table::{ContentArrangement, Table, presets};
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, pin_mut};
use hatd_client::pb;
use serde::Serialize;

use crate::{
    cli::Format,
    errors::Error,
    json::{Definition, Document, Room, UserAffiliation, Word as _},
};

/// Something that a table can show.
pub(crate) trait Rows {
    const HEADER: &'static [&'static str];

    fn rows(&self) -> Vec<Vec<String>>;
}

/// Where results go, and how.
pub(crate) struct Output {
    format: Format,
    out: BufWriter<Stdout>,
}

impl Output {
    pub(crate) fn new(format: Format) -> Self {
        Self { format, out: BufWriter::new(io::stdout()) }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// Writes one record.
    pub(crate) fn record<T: Serialize + Rows>(&mut self, record: &T) -> Result<(), Error> {
        match self.format {
            Format::Table => self.table::<T>(std::slice::from_ref(record)),
            Format::Json | Format::Jsonl => self.json(record),
        }
    }

    /// Writes a list, of at most `limit` records.
    pub(crate) async fn list<T: Serialize + Rows>(
        &mut self,
        records: impl Stream<Item = Result<T, hatd_client::Error>>,
        limit: Option<usize>,
    ) -> Result<(), Error> {
        let records = records.take(limit.unwrap_or(usize::MAX));
        pin_mut!(records);
        match self.format {
            Format::Table => {
                let records: Vec<T> = records.try_collect().await?;
                self.table(&records)
            }
            Format::Json => {
                let records: Vec<T> = records.try_collect().await?;
                self.json(&records)
            }
            Format::Jsonl => {
                while let Some(record) = records.try_next().await? {
                    self.line(&record)?;
                }
                self.flush()
            }
        }
    }

    /// Writes what a write answered.
    pub(crate) fn written(&mut self, written: &Written) -> Result<(), Error> {
        if self.format != Format::Table {
            return self.json(written);
        }
        self.text(&written.summary())?;
        if let Some(room) = &written.room {
            self.record(room)?;
        }
        if let Some(definition) = &written.definition {
            self.record(definition)?;
        }
        if let Some(document) = &written.user_hats {
            self.record(document)?;
        }
        match &written.users {
            Some(users) if !users.is_empty() => self.table(users),
            _ => Ok(()),
        }
    }

    /// Writes a line of text, and does not wait for more.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Error> {
        writeln!(self.out, "{text}")?;
        self.flush()
    }

    /// Writes bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.out.write_all(bytes)?;
        self.flush()
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn line<T: Serialize>(&mut self, value: &T) -> Result<(), Error> {
        serde_json::to_writer(&mut self.out, value)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> Result<(), Error> {
        Ok(self.out.flush()?)
    }

    /// Writes a value as JSON: over several lines, unless lines are what was asked for.
    fn json<T: Serialize>(&mut self, value: &T) -> Result<(), Error> {
        if self.format == Format::Json {
            serde_json::to_writer_pretty(&mut self.out, value)?;
            self.out.write_all(b"\n")?;
        } else {
            self.line(value)?;
        }
        self.flush()
    }

    fn table<T: Rows>(&mut self, records: &[T]) -> Result<(), Error> {
        let mut table = Table::new();
        table
            .load_style(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(T::HEADER.to_vec())
            .add_rows(records.iter().flat_map(Rows::rows));
        // The first column begins where the line does.
        for line in table.lines() {
            writeln!(self.out, "{}", line.trim_end().trim_start_matches(' '))?;
        }
        self.flush()
    }
}

/// What a write answered, whichever it was.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    room: Option<Room>,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Definition>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_hats: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<Vec<Document>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rooms: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_entries: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changed_users: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    removed_hats: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revision: Option<u64>,
    token: String,
    changed: bool,
    replayed: bool,
}

impl Written {
    fn summary(&self) -> String {
        let mut parts = vec![if self.changed { "changed" } else { "nothing changed" }.to_owned()];
        for (count, what) in [
            (self.rooms, "rooms"),
            (self.changed_entries, "entries"),
            (self.changed_users, "users"),
            (self.removed_hats, "hats removed"),
        ] {
            parts.extend(count.map(|count| format!("{count} {what}")));
        }
        parts.extend(self.revision.map(|revision| format!("revision {revision}")));
        if self.replayed {
            parts.push("answered before under this request id".to_owned());
        }
        parts.join(", ")
    }

    /// Adds what the next call of the same command answered.
    pub(crate) fn and(self, next: Self) -> Self {
        let sum = |a: Option<u32>, b: Option<u32>| a.zip(b).map(|(a, b)| a.saturating_add(b));
        Self {
            changed_entries: sum(self.changed_entries, next.changed_entries),
            changed_users: sum(self.changed_users, next.changed_users),
            removed_hats: sum(self.removed_hats, next.removed_hats),
            changed: self.changed || next.changed,
            replayed: self.replayed && next.replayed,
            ..next
        }
    }

    pub(crate) fn removed_hats(&self) -> u32 {
        self.removed_hats.unwrap_or(0)
    }
}

/// The answers differ in what they say was written, and have the rest in common.
macro_rules! written {
    ($($response:ty { $($of_room:ident)? ; $($field:ident: $convert:expr),* })*) => {$(
        impl From<$response> for Written {
            fn from(response: $response) -> Self {
                Self {
                    $($of_room: Some(response.$of_room),)?
                    $($field: $convert(response.$field),)*
                    token: response.token,
                    changed: response.changed,
                    replayed: response.replayed,
                    ..Self::default()
                }
            }
        }
    )*};
}

fn document(document: Option<pb::UserHats>) -> Option<Document> {
    document.map(Into::into)
}

#[expect(clippy::unnecessary_wraps, reason = "the field is optional")]
fn documents(documents: Vec<pb::UserHats>) -> Option<Vec<Document>> {
    Some(documents.into_iter().map(Into::into).collect())
}

fn definition(definition: Option<pb::HatDefinition>) -> Option<Definition> {
    definition.map(|definition| Definition::of(String::new(), definition))
}

fn room(room: Option<pb::Room>) -> Option<Room> {
    room.map(Into::into)
}

written! {
    pb::AddUserHatResponse { revision; user_hats: document }
    pb::RemoveUserHatResponse { revision; user_hats: document }
    pb::SetUserHatsResponse { revision; user_hats: document }
    pb::SetAffiliationResponse { revision; user_hats: document }
    pb::WearHatResponse { revision; user_hats: document }
    pb::DoffHatResponse { revision; user_hats: document }
    pb::ClaimHatResponse { revision; user_hats: document }
    pb::DiscardHatResponse { revision; user_hats: document }
    pb::SetHatWearersResponse { revision; users: documents }
    pb::UpdateRoomHatsResponse { revision; users: documents }
    pb::DefineHatResponse { revision; definition: definition }
    pb::DestroyHatResponse { revision; removed_hats: Some }
    pb::PutRoomResponse { revision; room: room }
    pb::DeleteRoomResponse { revision; }
    pb::ForgetUserResponse { ; rooms: Some }
    pb::SyncRoomsResponse { ; changed_entries: Some, changed_users: Some, removed_hats: Some }
}

impl Rows for Document {
    const HEADER: &'static [&'static str] =
        &["ROOM", "USER", "AFFILIATION", "HAT", "WORN", "REQUIRED", "TITLE", "EXPIRES"];

    /// A row for each hat, or one that says there is none.
    fn rows(&self) -> Vec<Vec<String>> {
        let start =
            [self.room_jid.clone(), self.user_jid.clone(), self.affiliation.text().to_owned()];
        if self.hats.is_empty() {
            return vec![[start.as_slice(), &["-".to_owned()]].concat()];
        }
        self.hats
            .iter()
            .map(|(hat_id, attachment)| {
                let hat = [
                    hat_id.clone(),
                    yes(attachment.active),
                    yes(attachment.required),
                    printable(&attachment.title),
                    attachment.expire_time.map(|time| time.0.to_string()).unwrap_or_default(),
                ];
                [start.as_slice(), &hat].concat()
            })
            .collect()
    }
}

impl Rows for Room {
    const HEADER: &'static [&'static str] =
        &["ROOM", "HAT POLICY", "ELIGIBILITY", "REVISION", "ETAG"];

    fn rows(&self) -> Vec<Vec<String>> {
        vec![vec![
            self.room_jid.clone(),
            self.hat_policy.text().to_owned(),
            self.eligibility.text().to_owned(),
            self.revision.to_string(),
            self.etag.clone(),
        ]]
    }
}

impl Rows for Definition {
    const HEADER: &'static [&'static str] =
        &["HAT", "TITLE", "HUE", "POSITION", "SELF-ASSIGNABLE", "DESCRIPTION", "TITLES"];

    fn rows(&self) -> Vec<Vec<String>> {
        let titles = self.titles.iter().map(|(language, title)| format!("{language}={title}"));
        vec![vec![
            self.hat_id.clone(),
            printable(&self.title),
            self.hue.map(|hue| hue.to_string()).unwrap_or_default(),
            self.position.to_string(),
            yes(self.self_assignable),
            printable(&self.description),
            printable(&titles.collect::<Vec<_>>().join(", ")),
        ]]
    }
}

impl Rows for UserAffiliation {
    const HEADER: &'static [&'static str] = &["USER", "AFFILIATION"];

    fn rows(&self) -> Vec<Vec<String>> {
        vec![vec![
            self.user_jid.clone(),
            self.affiliation.0.map_or("", |affiliation| affiliation.word()).to_owned(),
        ]]
    }
}

fn yes(value: bool) -> String {
    if value { "yes" } else { "no" }.to_owned()
}

/// Shows control characters as escapes, so that no text can drive the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let escaped = c.is_control().then(|| c.escape_default());
            let plain = escaped.is_none().then_some(c);
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("Zoë \u{1b}[2J\n"), "Zoë \\u{1b}[2J\\n");
    }
}
