//! From a long sequence that fails to a few steps that do.

use super::steps::{Sequence, Step};
use std::time::{Duration, Instant};

/// Leaves out as many steps as it can while `fails` says that the rest fails, and stops after a time:
/// halves, quarters and so on down to single steps (ddmin). A rest stays at the end.
pub fn shrink(
    sequence: &Sequence,
    limit: Duration,
    mut fails: impl FnMut(&Sequence) -> bool,
) -> Sequence {
    let end = Instant::now() + limit;
    let mut best = sequence.clone();
    let mut piece = best.steps.len() / 2;
    while piece > 0 && Instant::now() < end {
        let mut from = 0;
        let mut has_shrunk = false;
        while from < best.steps.len() && Instant::now() < end {
            let mut fewer = best.clone();
            fewer
                .steps
                .drain(from..(from + piece).min(best.steps.len()));
            if fewer.steps.last() != Some(&Step::Rest) {
                fewer.steps.push(Step::Rest);
            }
            if fewer.steps.len() < best.steps.len() && fails(&fewer) {
                best = fewer;
                has_shrunk = true;
            } else {
                from += piece;
            }
        }
        piece = match piece {
            1 if has_shrunk => 1,
            _ => piece / 2,
        };
    }
    best
}

#[test]
fn of_a_thousand_steps_the_two_that_fail_together_remain() {
    let mut sequence = super::choice::sequence(1, 1000);
    sequence.steps[300] = Step::Fill;
    sequence.steps[700] = Step::Update;
    let fails = |tried: &Sequence| {
        let at = |step: &Step| tried.steps.iter().position(|one| one == step);
        matches!((at(&Step::Fill), tried.steps.iter().rposition(|one| *one == Step::Update)), (Some(fill), Some(update)) if fill < update)
    };
    let few = shrink(&sequence, Duration::from_secs(60), fails);
    assert_eq!(few.steps, [Step::Fill, Step::Update, Step::Rest]);
}
