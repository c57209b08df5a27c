//! The API key that calls carry.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tonic::{
    Request,
    metadata::{Ascii, MetadataValue},
};

use crate::{Error, error::Cause};

/// The value of the header `authorization`, which is never shown.
pub(crate) type Key = MetadataValue<Ascii>;

/// Where the API key comes from.
#[derive(Clone, Default)]
pub(crate) enum Credentials {
    #[default]
    None,
    Fixed(Result<Key, Cause>),
    Provided(Arc<Provider>),
}

/// A source of keys, asked for one when there is none that serves.
pub(crate) struct Provider {
    source: Box<dyn Fn() -> Result<String, Cause> + Send + Sync>,
    current: Mutex<Option<Key>>,
}

impl Credentials {
    pub(crate) fn fixed(key: &str) -> Self {
        Self::Fixed(header(key))
    }

    pub(crate) fn provided(
        source: impl Fn() -> Result<String, Cause> + Send + Sync + 'static,
    ) -> Self {
        let source = Box::new(source);
        Self::Provided(Arc::new(Provider { source, current: Mutex::new(None) }))
    }

    /// Fails if there can never be a key. Asks no source.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self {
            Self::Fixed(Err(cause)) => Err(Error::ApiKey(Arc::clone(cause))),
            Self::Fixed(Ok(_)) | Self::None | Self::Provided(_) => Ok(()),
        }
    }

    /// Gives a request the present key, and returns it.
    pub(crate) fn sign<Q>(&self, request: &mut Request<Q>) -> Result<Option<Key>, Error> {
        let key = match self {
            Self::None => return Ok(None),
            Self::Fixed(key) => key.clone(),
            Self::Provided(provider) => provider.current(),
        };
        let key = key.map_err(Error::ApiKey)?;
        request.metadata_mut().insert("authorization", key.clone());
        Ok(Some(key))
    }

    /// Takes a key that was refused out of use. Returns whether there may be another.
    pub(crate) fn discard(&self, refused: Option<&Key>) -> bool {
        let Self::Provided(provider) = self else { return false };
        let mut current = provider.lock();
        // Another call may have got a newer one by now.
        if current.as_ref() == refused {
            *current = None;
        }
        true
    }
}

impl Provider {
    fn current(&self) -> Result<Key, Cause> {
        let mut current = self.lock();
        let key = match &*current {
            Some(key) => key.clone(),
            None => header(&(self.source)()?)?,
        };
        *current = Some(key.clone());
        Ok(key)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Key>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows what kind they are, and no key.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "None",
            Self::Fixed(_) => "Fixed(…)",
            Self::Provided(_) => "Provided(…)",
        })
    }
}

/// Returns the header of a key. Keys often come from files, so space around them is left out.
fn header(key: &str) -> Result<Key, Cause> {
    let key = key.trim();
    if key.is_empty() {
        return Err(Arc::new(Empty));
    }
    match Key::try_from(format!("Bearer {key}")) {
        Ok(mut value) => {
            value.set_sensitive(true);
            Ok(value)
        }
        Err(cause) => Err(Arc::new(cause)),
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it is empty")]
struct Empty;

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[test]
    fn a_key_is_never_shown() {
        let credentials = Credentials::fixed("s3cret");
        let mut request = Request::new(());
        let key = credentials.sign(&mut request).unwrap();
        let refused = Credentials::fixed("s3cret\0").check();
        let shown = format!("{credentials:?} {key:?} {request:?} {refused:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }

    #[test]
    fn space_around_a_key_is_left_out() {
        let mut request = Request::new(());
        Credentials::fixed(" key\n").sign(&mut request).unwrap();
        assert_eq!(request.metadata().get("authorization").unwrap(), "Bearer key");
    }

    #[test]
    fn a_key_that_no_header_carries_is_refused() {
        for key in ["", " \n", "a\nb", "a\0"] {
            let error = Credentials::fixed(key).check().unwrap_err();
            assert!(matches!(error, Error::ApiKey(_)), "{key:?}");
        }
    }

    #[test]
    fn a_source_is_asked_only_when_no_key_serves() {
        let asked = AtomicU32::new(0);
        let credentials = Credentials::provided(move || {
            Ok(format!("key{}", asked.fetch_add(1, Ordering::Relaxed)))
        });
        let sign = || credentials.sign(&mut Request::new(())).unwrap();
        let first = sign();
        assert_eq!(sign(), first);
        assert!(credentials.discard(first.as_ref()));
        let second = sign();
        assert_ne!(second, first);
        // Refused late: the newer key stays.
        assert!(credentials.discard(first.as_ref()));
        assert_eq!(sign(), second);
    }
}
