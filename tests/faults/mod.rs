//! What machines do to a server: it is killed, the power is cut, disks fail and fill up, bytes rot.
//! Nothing that was answered or shown is ever lost, and nothing damaged is served.
//!
//! By default a test does what takes some seconds. `HATD_TEST_CYCLES=10000` asks for a campaign; its
//! end says how many cycles and answers there were:
//!
//! ```text
//! HATD_TEST_CYCLES=10000 cargo test --release --test main faults:: -- --nocapture
//! ```

mod cut_off;
mod damage;
mod io_errors;
mod kills;
mod oracle;
mod planted;
mod power_cut;
mod resources;
mod volume;

/// How often a test repeats its fault, if the environment does not say.
fn cycles(default: usize) -> usize {
    std::env::var("HATD_TEST_CYCLES")
        .map_or(default, |cycles| cycles.parse().expect("HATD_TEST_CYCLES is a number"))
}

/// What faults were survived.
#[derive(Clone, Copy, Debug, Default)]
struct Survived {
    cycles: usize,
    /// Writes that were answered before the fault, and were all there after it.
    answers: usize,
}

impl Survived {
    fn and(self, other: Self) -> Self {
        Self { cycles: self.cycles + other.cycles, answers: self.answers + other.answers }
    }

    /// Says so. With no failure in n cycles, the rate of failures is below 3/n with 95 %
    /// confidence: the rule of three.
    fn say(self, what: &str) {
        let Self { cycles, answers } = self;
        #[expect(clippy::cast_precision_loss, reason = "no campaign has 2^52 cycles")]
        let bound = 3.0 / cycles as f64;
        println!(
            "{what}: {cycles} cycles, {answers} answered writes, 0 lost (95 %: under {bound:.5} of cycles)"
        );
    }
}
