//! Whether the state is what it should be.

use std::collections::BTreeSet;

use super::{Documents, Error, caught, damaged, decode, parsed};
use crate::commit::Position;
use crate::hat::{Document, HatDefinition};
use crate::store::embedded::checkpoint::Kind;
use crate::store::embedded::keys;
use crate::store::embedded::values::{StoredRequest, StoredRoom};
use crate::time::Timestamp;

impl Documents {
    /// Reads every record, and whether each index has what it should and nothing else.
    ///
    /// # Errors
    ///
    /// What is wrong first.
    pub(in super::super) fn check(&self) -> Result<(), Error> {
        caught(|| self.check_records())
    }

    fn check_records(&self) -> Result<(), Error> {
        for item in &self.rooms {
            let (key, value) = item?;
            parsed("rooms", &key, keys::parse_room(&key))?;
            decode::<StoredRoom>("rooms", &key, &value)?;
        }
        for item in &self.definitions {
            let (key, value) = item?;
            parsed("definitions", &key, keys::parse_definition_room(&key))?;
            decode::<HatDefinition>("definitions", &key, &value)?;
        }
        for item in &self.requests {
            let (key, value) = item?;
            let stored: StoredRequest = decode("requests", &key, &value)?;
            let position = keys::request_position(Position::new(stored.position));
            has(&self.request_positions, "request_positions", &position)?;
        }

        let (mut users, mut hats, mut expiries) = (0, 0, 0);
        for item in &self.documents {
            let (key, value) = item?;
            let (room, user) = parsed("documents", &key, keys::parse_document(&key))?;
            let document: Document = decode("documents", &key, &value)?;
            users += 1;
            has(&self.by_user, "by_user", &keys::by_user(&user, &room))?;
            for hat in document.hats.keys() {
                hats += 1;
                has(&self.by_hat, "by_hat", &keys::by_hat(&room, hat, &user))?;
            }
            let times: BTreeSet<_> =
                document.hats.values().filter_map(|had| had.expire_time).collect();
            for time in times {
                expiries += 1;
                has(&self.by_expiry, "by_expiry", &keys::by_expiry(time, &room, &user))?;
            }
        }
        // Each has all that it should; if it has no more entries, it has nothing else.
        for (tree, name, expected) in [
            (&self.by_user, "by_user", users),
            (&self.by_hat, "by_hat", hats),
            (&self.by_expiry, "by_expiry", expiries),
        ] {
            if tree.len() != expected {
                return Err(Error::Damaged { tree: name, key: "(its number)".to_owned() });
            }
        }
        Ok(())
    }

    /// Begins to compare the state with what it should be. Requests that were answered before a
    /// time are left out.
    pub(in super::super) fn compare(&self, forget_before: Timestamp) -> Comparison<'_> {
        Comparison { documents: self, kind: Kind::Room, records: self.rooms.iter(), forget_before }
    }
}

/// Checks that an index has a key.
fn has(tree: &sled::Tree, name: &'static str, key: &[u8]) -> Result<(), Error> {
    parsed(name, key, tree.contains_key(key)?.then_some(()))
}

/// How far a comparison has come.
pub(in super::super) struct Comparison<'a> {
    documents: &'a Documents,
    kind: Kind,
    /// Those of this kind that are left.
    records: sled::Iter,
    forget_before: Timestamp,
}

impl Comparison<'_> {
    /// Compares the next record, in the order of checkpoints.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if it is another.
    pub(in super::super) fn expect(
        &mut self,
        kind: Kind,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), Error> {
        match caught(|| self.next())? {
            Some((of, at, is)) if (of, &*at, &*is) == (kind, key, value) => Ok(()),
            Some(_) | None => Err(damaged(tree_name(kind), key)),
        }
    }

    /// Checks that there is no record more.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] if there is.
    pub(in super::super) fn expect_end(&mut self) -> Result<(), Error> {
        match caught(|| self.next())? {
            None => Ok(()),
            Some((kind, key, _)) => Err(damaged(tree_name(kind), &key)),
        }
    }

    fn next(&mut self) -> Result<Option<(Kind, sled::IVec, sled::IVec)>, Error> {
        loop {
            let Some(item) = self.records.next() else {
                let (kind, tree) = match self.kind {
                    Kind::Room => (Kind::Definition, &self.documents.definitions),
                    Kind::Definition => (Kind::Document, &self.documents.documents),
                    Kind::Document => (Kind::Request, &self.documents.requests),
                    Kind::Request => return Ok(None),
                };
                (self.kind, self.records) = (kind, tree.iter());
                continue;
            };
            let (key, value) = item?;
            if self.kind == Kind::Request {
                let stored: StoredRequest = decode("requests", &key, &value)?;
                if stored.time < self.forget_before {
                    continue;
                }
            }
            return Ok(Some((self.kind, key, value)));
        }
    }
}

fn tree_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Room => "rooms",
        Kind::Definition => "definitions",
        Kind::Document => "documents",
        Kind::Request => "requests",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hat::{Attachment, HatId};
    use crate::jid::{RoomJid, UserJid};
    use crate::store::embedded::values::encode;

    const HAT: &str = "urn:hat:1";

    fn record(user: &str) -> (Vec<u8>, Vec<u8>) {
        let room = RoomJid::parse("room@conference.localhost").unwrap();
        let user = UserJid::parse(user).unwrap();
        let mut document = Document::default();
        document.hats.insert(HatId::parse(HAT, 1023).unwrap(), Attachment::default());
        (keys::document(&room, &user), encode(&document))
    }

    /// A state with some users' documents.
    fn state(users: &[&str]) -> (tempfile::TempDir, Documents) {
        let dir = tempfile::tempdir().unwrap();
        let documents = Documents::open(dir.path()).unwrap();
        for user in users {
            let (key, value) = record(user);
            documents.load(Kind::Document, &key, &value).unwrap();
        }
        (dir, documents)
    }

    fn compare(documents: &Documents, users: &[&str]) -> Result<(), Error> {
        let mut comparison = documents.compare(Timestamp::now());
        for user in users {
            let (key, value) = record(user);
            comparison.expect(Kind::Document, &key, &value)?;
        }
        comparison.expect_end()
    }

    #[test]
    fn a_comparison_finds_what_is_missing_and_what_is_too_much_and_what_differs() {
        let (_dir, documents) = state(&["a@localhost", "b@localhost"]);
        compare(&documents, &["a@localhost", "b@localhost"]).unwrap();
        for others in [
            &["a@localhost"][..],
            &["b@localhost"],
            &[],
            &["a@localhost", "aa@localhost", "b@localhost"],
            &["a@localhost", "b@localhost", "c@localhost"],
        ] {
            assert!(matches!(compare(&documents, others), Err(Error::Damaged { .. })));
        }
        let (key, _) = record("a@localhost");
        documents.documents.insert(key, encode(&Document::default())).unwrap();
        let differs = compare(&documents, &["a@localhost", "b@localhost"]);
        assert!(matches!(differs, Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_check_finds_an_index_with_less_or_more_than_the_records() {
        let (_dir, documents) = state(&["a@localhost"]);
        documents.check().unwrap();
        for tree in [&documents.by_user, &documents.by_hat, &documents.by_expiry] {
            tree.insert("more", &[]).unwrap();
            assert!(matches!(documents.check(), Err(Error::Damaged { .. })));
            tree.remove("more").unwrap();
        }
        documents.check().unwrap();
        for tree in [&documents.by_user, &documents.by_hat] {
            let (key, value) = tree.pop_min().unwrap().unwrap();
            assert!(matches!(documents.check(), Err(Error::Damaged { .. })));
            tree.insert(key, value).unwrap();
        }
    }
}
