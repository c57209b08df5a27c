//! Hues.

use std::{
    cmp::Ordering,
    hash::{Hash, Hasher},
};

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

/// A hue angle in degrees, from 0 to below 360 (XEP-0392).
#[derive(Debug, Clone, Copy)]
pub struct Hue(f64);

impl Hue {
    /// The hue of `degrees`, `None` if that is not in 0 ≤ `degrees` < 360.
    pub fn new(degrees: f64) -> Option<Self> {
        // Adding zero makes -0 of 0, so that equal hues have equal bits.
        (0.0..360.0).contains(&degrees).then_some(Self(degrees + 0.0))
    }

    /// The angle, in degrees.
    pub fn degrees(self) -> f64 {
        self.0
    }
}

impl PartialEq for Hue {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Hue {}

impl PartialOrd for Hue {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Hue {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Hash for Hue {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.to_bits().hash(state);
    }
}

impl<C> Encode<C> for Hue {
    fn encode<W: encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        e.f64(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Hue {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = d.position();
        Self::new(d.f64()?).ok_or_else(|| decode::Error::message("hue out of range").at(at))
    }
}
