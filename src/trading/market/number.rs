//! A decimal as a binary fraction, for comparisons that happen at every bar.

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

/// Powers of ten that a binary fraction holds exactly.
const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];
/// Digits up to this are exact in a binary fraction, with room for the rounding of the decimal's own way.
const MOST_DIGITS: i128 = 1 << 50;

/// The nearest number, bit for bit the decimal's own conversion: one division of two exact numbers where it can be, which
/// prices and volumes always allow.
pub fn number_of(decimal: Decimal) -> f64 {
    let digits = decimal.mantissa();
    match POWERS.get(decimal.scale() as usize) {
        Some(power) if digits.abs() < MOST_DIGITS && digits != 0 => {
            #[expect(clippy::cast_precision_loss, reason = "below 2^50")]
            let digits = digits as i64 as f64;
            digits / power
        }
        _ => decimal.to_f64().unwrap_or(f64::NAN),
    }
}

/// The same but for its last digits, and never slow, however many digits the decimal has.
pub fn roughly(decimal: Decimal) -> f64 {
    const LAST: usize = POWERS.len() - 1;
    #[expect(clippy::cast_precision_loss, reason = "its last digits do not count")]
    let digits = decimal.mantissa() as f64;
    let scale = decimal.scale() as usize;
    let power = |scale: usize| POWERS[scale.min(LAST)];
    digits / power(scale) / power(scale.saturating_sub(LAST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_bit_for_bit_the_decimals_own() {
        let mut random = fastrand::Rng::with_seed(5);
        for _ in 0..200_000 {
            let digits = random.i64(..) >> random.u32(0..64);
            let decimal = Decimal::new(digits, random.u32(0..=28));
            let own = decimal.to_f64().map(f64::to_bits);
            assert_eq!(Some(number_of(decimal).to_bits()), own, "{decimal}");
        }
    }

    #[test]
    fn roughly_is_the_number_but_for_its_last_digits() {
        let mut random = fastrand::Rng::with_seed(6);
        for _ in 0..200_000 {
            let digits = random.i128(..) >> random.u32(32..127);
            let decimal = Decimal::from_i128_with_scale(digits, random.u32(0..=28));
            let own = decimal.to_f64().unwrap_or(f64::NAN);
            let off = (roughly(decimal) - own).abs();
            assert!(off <= own.abs() * 1e-14, "{decimal}");
        }
    }
}
