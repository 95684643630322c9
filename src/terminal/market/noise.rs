//! Randomness that is a pure function of a key, so that any moment of the market can be computed without the
//! moments before it. Never a generator with a state.

/// A key. [`Noise::with`] makes a new, unrelated key; the other methods read the key's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise(u64);

const fn mix(value: u64) -> u64 {
    // The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
    let value = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    value ^ (value >> 31)
}

impl Noise {
    pub const fn new(seed: u64) -> Self {
        Self(mix(seed))
    }

    #[must_use]
    pub const fn with(self, part: u64) -> Self {
        Self(mix(self.0 ^ mix(part)))
    }

    /// As [`Noise::with`] for numbers that may be negative (days, minutes).
    #[must_use]
    pub const fn at(self, part: i64) -> Self {
        self.with(part.cast_unsigned())
    }

    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Evenly spread in `[0, 1)`.
    pub const fn unit(self) -> f64 {
        const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
        (self.0 >> 11) as f64 * STEP
    }

    /// In `0..below`; 0 when `below` is 0.
    pub const fn below(self, below: u64) -> u64 {
        ((self.0 as u128 * below as u128) >> 64) as u64
    }

    /// Bell-shaped with mean 0 and variance 1, always within ±3.5 (the sum of four uniform numbers).
    pub fn bell(self) -> f64 {
        const SCALE: f64 = 1.732_050_807_568_877_2;
        let sum: f64 = [0, 16, 32, 48]
            .into_iter()
            .map(|shift| ((self.0 >> shift) & 0xFFFF) as f64)
            .sum();
        (sum / 65_535.0 - 2.0) * SCALE
    }

    /// A smooth wave through one bell-shaped value at each whole `x`.
    pub fn wave(self, x: f64) -> f64 {
        let whole = x.floor();
        let part = x - whole;
        let weight = part * part * (3.0 - 2.0 * part);
        let here = self.at(whole as i64).bell();
        let next = self.at(whole as i64 + 1).bell();
        here + (next - here) * weight
    }
}
