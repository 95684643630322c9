//! The counter of a client id: it grows with the clock and with each order, and carries a few bits of this run, so that two
//! programs on one account do not use the same numbers.

use jiff::Timestamp;

/// Chosen anew at each start: a run whose journal was lost is another program, too.
const RUN_BITS: u32 = 10;
/// Orders in one step of the clock, before the counter runs ahead of it.
const ORDER_BITS: u32 = 5;
/// Seconds of one step.
const STEP: i64 = 32;
const EPOCH: i64 = 1_704_067_200;

/// The next free counter. It stands at least where the clock says, since a journal that was lost must not make client ids
/// come again that the terminal knows: 25 bits of 32 s since 2024 last until 2058, and are above what ran before at 256 a
/// second.
pub(super) fn free_counter(next: u64, now: Timestamp, run: u16) -> u64 {
    let steps = u64::try_from((now.as_second() - EPOCH) / STEP).unwrap_or(0);
    let least = next.max(steps << (ORDER_BITS + RUN_BITS));
    let size = 1 << RUN_BITS;
    let run = u64::from(run) % size;
    let counter = least / size * size + run;
    if counter < least {
        counter + size
    } else {
        counter
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::market::Cid;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn two_programs_in_one_second_use_different_numbers() {
        let now = at("2026-03-02T09:00:00Z");
        let ids = |run| {
            let mut next = 0;
            let mut ids = Vec::new();
            for _ in 0..200 {
                let counter = free_counter(next, now, run);
                next = counter + 1;
                ids.push(Cid::new(0, counter));
            }
            ids
        };
        let (one, other) = (ids(5), ids(700));
        assert!(one.iter().all(|id| !other.contains(id)));
        assert!(one.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn it_goes_on_above_whatever_was_used() {
        let now = at("2026-03-02T09:00:00Z");
        // As counters were made before: 256 a second.
        let before = u64::try_from(now.as_second() - EPOCH).unwrap() << 8;
        for next in [0, before + 1, 0xFF_0000_0000] {
            for run in [0, 1, 1023, u16::MAX] {
                let counter = free_counter(next, now, run);
                assert!(counter >= next && counter > before, "{next} {run}");
                assert_eq!(counter % 1024, u64::from(run) % 1024);
                assert_eq!(Cid::new(9, counter).counter(), counter);
                assert_eq!(Cid::new(9, counter).strategy(), 9);
            }
        }
        // The clock goes back; the counter does not.
        let counter = free_counter(0, now, 3);
        assert!(free_counter(counter + 1, at("2024-01-01T00:00:00Z"), 3) > counter);
        // It fits, as long as this layout is meant to last.
        assert!(free_counter(0, at("2057-12-31T00:00:00Z"), 1023) < 1 << 40);
    }
}
