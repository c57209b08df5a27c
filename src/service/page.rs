//! Page tokens: which list a page belongs to, and the key it begins after.

use minicbor::Encode;
use sha2::{Digest as _, Sha256};

use crate::commit::{Identity, seal, unseal};
use crate::pb::ErrorReason;
use crate::status::Invalid;

/// A list with its filters: a page token is of one of them.
pub(super) struct List([u8; 16]);

impl List {
    /// The list of an RPC with its filters, of one store.
    #[expect(clippy::expect_used, reason = "encoding into a vector has no way to fail")]
    pub(super) fn new(rpc: &str, filters: impl Encode<()>, store: Identity) -> Self {
        let of = (rpc, filters, store.store, store.epoch);
        let bytes = minicbor::to_vec(of).expect("a vector takes all bytes");
        let digest: [u8; 32] = Sha256::digest(&bytes).into();
        Self(digest.first_chunk().copied().unwrap_or_default())
    }

    /// The token of the page after a key; empty if there is none.
    pub(super) fn token_after(&self, key: Option<&str>) -> String {
        let sealed = |key: &str| seal([self.0.as_slice(), key.as_bytes()].concat());
        key.map(sealed).unwrap_or_default()
    }

    /// The key that a page begins after; none for the first.
    ///
    /// # Errors
    ///
    /// [`Invalid`] if the token is not one of this list.
    pub(super) fn key<K, E>(
        &self,
        token: &str,
        parse: impl FnOnce(&str) -> Result<K, E>,
    ) -> Result<Option<K>, Invalid> {
        if token.is_empty() {
            return Ok(None);
        }
        let bytes = unseal(token);
        let key = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(&self.0));
        let key = key.and_then(|key| std::str::from_utf8(key).ok());
        let key = key.and_then(|key| parse(key).ok());
        key.map(Some).ok_or_else(|| Invalid {
            reason: ErrorReason::InvalidPageToken,
            field: "page_token".to_owned(),
            what: "not the token of a page of this list".to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use bolero::check;

    use super::*;
    use crate::jid::UserJid;
    use crate::tests::{Change, changed};

    #[test]
    fn a_page_token_is_of_its_list_and_refused_if_it_is_damaged() {
        let store = Identity { store: *b"a store's own id", epoch: 3 };
        let [ours, other] = ["ours", "other"].map(|filter| List::new("List", filter, store));
        let token = ours.token_after(Some("user@localhost"));
        let key = |list: &List, token: &str| list.key(token, UserJid::parse);
        let user = UserJid::parse("user@localhost").unwrap();
        assert_eq!(key(&ours, &token).ok(), Some(Some(user)));
        assert!(key(&other, &token).is_err());
        check!().with_type::<(Vec<Change>, String)>().for_each(|(changes, any)| {
            let damaged = changed(token.as_bytes(), changes);
            if let Ok(damaged) = String::from_utf8(damaged)
                && damaged != token
            {
                assert_eq!(key(&ours, &damaged).is_ok(), damaged.is_empty(), "{damaged:?}");
            }
            assert_eq!(key(&ours, any).is_ok(), any.is_empty(), "{any:?}");
        });
    }
}
