//! Whom to trust, and who to be, on a connection with TLS.

use std::{fmt, sync::Arc};

use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

use crate::Error;

/// Whom to trust, and who to be, on a connection with TLS.
///
/// The server's certificate has to name the host of the target.
#[derive(Clone, Default)]
#[must_use = "settings do nothing until they are given to a builder"]
pub struct Tls {
    ca: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
}

impl Tls {
    /// Returns settings that trust the system's roots and name nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts these certificate authorities, in PEM, instead of the system's.
    pub fn ca_certificate(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.ca = Some(pem.as_ref().to_vec());
        self
    }

    /// Shows this certificate to the server, with those that lead to its authority. Both are PEM;
    /// the key is in PKCS #8, PKCS #1 or SEC1.
    pub fn identity(
        mut self,
        certificate_pem: impl AsRef<[u8]>,
        key_pem: impl AsRef<[u8]>,
    ) -> Self {
        self.identity = Some((certificate_pem.as_ref().to_vec(), key_pem.as_ref().to_vec()));
        self
    }

    /// Makes an endpoint use them.
    pub(crate) fn apply(self, endpoint: Endpoint) -> Result<Endpoint, Error> {
        let mut config = match self.ca {
            // PEM without a certificate would be a client that trusts nobody, and does not say so.
            Some(pem) if !has_certificate(&pem) => {
                return Err(Error::InvalidTls(Arc::new(NoCertificate)));
            }
            Some(pem) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem)),
            None => ClientTlsConfig::new().with_native_roots(),
        };
        if let Some((certificate, key)) = self.identity {
            config = config.identity(Identity::from_pem(certificate, key));
        }
        endpoint.tls_config(config).map_err(|error| Error::InvalidTls(Arc::new(error)))
    }
}

/// Shows what is set, and no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca", &self.ca.is_some())
            .field("identity", &self.identity.is_some())
            .finish()
    }
}

fn has_certificate(pem: &[u8]) -> bool {
    let begin = b"-----BEGIN CERTIFICATE-----";
    pem.windows(begin.len()).any(|window| window == begin)
}

#[derive(Debug, thiserror::Error)]
#[error("the certificate authority is not PEM with a certificate")]
struct NoCertificate;
