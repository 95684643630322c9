//! How far the platform's clock is from ours. Pure arithmetic.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Platform clock minus ours, positive when the platform is ahead.
///
/// The server's stamp is taken to lie in the middle of the round trip, so the result is wrong by at most half of it.
pub fn clock_offset(
    server: Timestamp,
    answered_at: Timestamp,
    round_trip: Duration,
) -> SignedDuration {
    let half = SignedDuration::try_from(round_trip / 2).unwrap_or(SignedDuration::ZERO);
    server.duration_since(answered_at).saturating_add(half)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn half_the_round_trip_is_taken_off() {
        for (server, here, round_trip, offset) in [
            ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00Z", 0, 0),
            ("2026-01-05T10:00:00Z", "2026-01-05T10:00:00.200Z", 400, 0),
            (
                "2026-01-05T10:00:05Z",
                "2026-01-05T10:00:00.100Z",
                200,
                5_000,
            ),
            (
                "2026-01-05T09:59:50Z",
                "2026-01-05T10:00:00Z",
                1_000,
                -9_500,
            ),
        ] {
            let measured = clock_offset(
                server.parse().unwrap(),
                here.parse().unwrap(),
                Duration::from_millis(round_trip),
            );
            assert_eq!(
                measured.as_millis(),
                offset,
                "{server} seen at {here} after {round_trip} ms"
            );
        }
    }
}
