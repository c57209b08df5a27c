//! How long to wait before trying again.

use std::time::Duration;

use rand::Rng;

/// The longest that a server's own delay is believed. Our choice.
const HINT_MAX: Duration = Duration::from_mins(5);

/// Exponential back-off with full jitter: uniform in zero to a ceiling that doubles.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    base: Duration,
    ceiling: Duration,
    attempts: u32,
}

impl Backoff {
    pub(crate) fn new(base: Duration, ceiling: Duration) -> Self {
        Self { base, ceiling, attempts: 0 }
    }

    /// Begins again at the shortest delays.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }

    /// Returns the delay before the next attempt.
    ///
    /// A delay that the server gave wins over ours, prolonged by up to a half, so that the clients
    /// it was given to do not come back together.
    pub(crate) fn delay(&mut self, hint: Option<Duration>, rng: &mut impl Rng) -> Duration {
        let doubled = self.base.saturating_mul(1 << self.attempts.min(16));
        self.attempts = self.attempts.saturating_add(1);
        match hint.map(|hint| hint.min(HINT_MAX)) {
            Some(hint) if !hint.is_zero() => rng.random_range(hint..=hint + hint / 2),
            _ => rng.random_range(Duration::ZERO..=doubled.min(self.ceiling)),
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn backoff() -> Backoff {
        Backoff::new(Duration::from_millis(100), Duration::from_secs(30))
    }

    #[test]
    fn delays_stay_under_a_doubling_ceiling() {
        let mut rng = StdRng::seed_from_u64(1);
        for _ in 0..200 {
            let mut backoff = backoff();
            for ceiling_ms in [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000] {
                let delay = backoff.delay(None, &mut rng);
                assert!(delay <= Duration::from_millis(ceiling_ms), "{delay:?} > {ceiling_ms} ms");
            }
        }
    }

    #[test]
    fn many_attempts_do_not_overflow() {
        let mut rng = StdRng::seed_from_u64(2);
        let mut backoff = Backoff { attempts: u32::MAX, ..backoff() };
        assert!(backoff.delay(None, &mut rng) <= Duration::from_secs(30));
    }

    #[test]
    fn the_servers_delay_wins_and_is_never_undercut() {
        let mut rng = StdRng::seed_from_u64(3);
        let hint = Duration::from_secs(7);
        for _ in 0..200 {
            let delay = backoff().delay(Some(hint), &mut rng);
            assert!((hint..=hint * 3 / 2).contains(&delay), "{delay:?}");
        }
        assert!(backoff().delay(Some(Duration::MAX), &mut rng) <= HINT_MAX * 3 / 2);
        assert!(backoff().delay(Some(Duration::ZERO), &mut rng) <= Duration::from_millis(100));
    }
}
