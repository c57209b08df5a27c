//! What the fuzz targets share, and those of the decoders that everybody can call.
//!
//! A target runs as an ordinary test, on some hundreds of random inputs; a fuzzer that is guided by
//! coverage runs it for as long as one likes. CONTRIBUTING.md says how.

mod fuzz;

use bolero::TypeGenerator;

/// A change to bytes that were sound.
#[derive(Clone, Copy, Debug, TypeGenerator)]
pub(crate) enum Change {
    /// One bit is another.
    Flip { at: u32, bit: u8 },
    /// The end is gone.
    Cut { at: u32 },
    /// Some bytes are zero.
    Zero { at: u32, len: u8 },
    /// Some bytes stand there twice.
    Double { at: u32, len: u8 },
    /// A byte more.
    Insert { at: u32, byte: u8 },
}

impl Change {
    /// Makes the change.
    pub(crate) fn apply(self, bytes: &mut Vec<u8>) {
        let place = |at: u32, bytes: &[u8]| at as usize % bytes.len().max(1);
        let range = |at: u32, len: u8, bytes: &[u8]| {
            let from = place(at, bytes).min(bytes.len());
            from..bytes.len().min(from + usize::from(len))
        };
        match self {
            Self::Flip { at, bit } => {
                let at = place(at, bytes);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Self::Cut { at } => bytes.truncate(place(at, bytes)),
            Self::Zero { at, len } => {
                let range = range(at, len, bytes);
                bytes[range].fill(0);
            }
            Self::Double { at, len } => {
                let range = range(at, len, bytes);
                let doubled = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, doubled);
            }
            Self::Insert { at, byte } => {
                let at = place(at, bytes).min(bytes.len());
                bytes.insert(at, byte);
            }
        }
    }
}

/// Bytes with changes made to them.
pub(crate) fn changed(bytes: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for change in changes {
        change.apply(&mut bytes);
    }
    bytes
}
