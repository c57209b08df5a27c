//! Any history is the same on every engine, whatever happens to the store in between.

use std::ops::Range;
use std::time::Duration;

use futures_util::future::join_all;
use hatd::command::Request;
use hatd::commit::Commit;
use hatd::store::{Error, Outcome};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::harness::{Engine, Harness, Setup, seconds};
use crate::support::random::{self, resolve};
use crate::support::reads::{assert_consistent, history_after};
use crate::support::small_limits;
use crate::support::world::World;

/// What happens to both stores.
#[derive(Clone, Debug)]
enum Step {
    /// Requests that are sent at once, in this order.
    Apply(Vec<Request>),
    Expire,
    /// The clock moves, by seconds.
    Advance(i64),
    Reopen,
    Kill,
    /// A checkpoint is taken.
    Checkpoint,
    /// The state that is served is lost.
    LoseDocuments,
}

fn steps(clock: Range<i64>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        30 => vec(random::request(), 1..2).prop_map(Step::Apply),
        10 => vec(random::request(), 2..12).prop_map(Step::Apply),
        4 => Just(Step::Expire),
        8 => clock.prop_map(Step::Advance),
        1 => Just(Step::Reopen),
        1 => Just(Step::Kill),
        2 => Just(Step::Checkpoint),
        1 => Just(Step::LoseDocuments),
    ];
    vec(step, 1..80)
}

/// What both engines must answer alike: all but their own positions' marks.
fn comparable(answer: Result<Outcome, Error>) -> Result<Outcome, String> {
    match answer {
        Ok(outcome) => Ok(Outcome { mark: hatd::commit::Mark::ORIGIN, ..outcome }),
        Err(error) => Err(format!("{error:?}")),
    }
}

async fn step(h: &mut Harness, step: &Step, world: &World) -> Vec<Result<Outcome, String>> {
    match step {
        Step::Apply(requests) => {
            let requests = requests.iter().map(|request| resolve(request.clone(), world));
            let answers = join_all(requests.map(|request| h.apply(request))).await;
            return answers.into_iter().map(comparable).collect();
        }
        Step::Expire => h.store().expire().await.unwrap(),
        Step::Advance(by) => h.clock.advance(*by),
        Step::Reopen => h.reopen().await,
        Step::Kill => h.kill(),
        Step::Checkpoint => h.checkpoint().await,
        Step::LoseDocuments => h.lose_documents(),
    }
    Vec::new()
}

async fn new_commits(h: &Harness, after: hatd::commit::Position) -> Vec<Commit> {
    let entries = history_after(h.store(), after, 4000).await;
    entries.into_iter().map(|entry| (*entry.commit).clone()).collect()
}

async fn run(steps: Vec<Step>, request_id_ttl: Duration) {
    let setup = |setup: &mut Setup| {
        setup.options.limits = small_limits();
        setup.options.request_id_ttl = request_id_ttl;
        setup.segment_bytes = 4000;
        setup.checkpoint_bytes = 2000;
    };
    let mut memory = Harness::with(Engine::Memory, setup);
    let mut embedded = Harness::with(Engine::Embedded, setup);
    let mut world = World::default();
    for next in steps {
        let (before, _) = memory.store().head();
        let expected = step(&mut memory, &next, &world).await;
        assert_eq!(step(&mut embedded, &next, &world).await, expected, "{next:?}");
        let commits = new_commits(&memory, before).await;
        assert_eq!(new_commits(&embedded, before).await, commits, "{next:?}");
        for commit in &commits {
            world.apply(commit);
        }
    }
    assert_consistent(memory.store()).await;
    assert_consistent(embedded.store()).await;
}

fn check(steps: Vec<Step>, request_id_ttl: Duration) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(run(steps, request_id_ttl));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_disk_agree_on_any_history(steps in steps(0..15)) {
        check(steps, seconds(20));
    }

    // When the clock steps back, an engine may know a request id that another has
    // forgotten already: here none is forgotten.
    #[test]
    fn memory_and_disk_agree_whatever_the_clock_does(steps in steps(-15..15)) {
        check(steps, seconds(1_000_000));
    }
}
