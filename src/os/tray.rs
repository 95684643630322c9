//! The icon beside the clock, in words and pixels: three shapes, so that no state depends on its colour, and a menu.

/// What the icon says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrayShape {
    /// A triangle that points right.
    Trading,
    /// Two bars.
    Paused,
    /// An exclamation mark in a triangle that points up.
    Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrayPicture {
    pub shape: TrayShape,
    /// Shown under the pointer; Windows takes 127 UTF-16 units of it.
    pub tip: String,
    /// The menu offers to resume in place of pausing.
    pub paused: bool,
}

/// What the person chose there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrayWish {
    Show,
    Pause,
    Resume,
    /// Asked once more by the menu itself.
    StopEverything,
    Quit,
}

#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
impl TrayWish {
    const ALL: [Self; 5] = [
        Self::Show,
        Self::Pause,
        Self::Resume,
        Self::StopEverything,
        Self::Quit,
    ];

    /// Its number in the menu; 0 is none.
    pub(super) const fn number(self) -> usize {
        self as usize + 1
    }

    pub(super) fn of_number(number: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|wish| wish.number() == number)
    }
}

/// A square of pixels, each blue, green, red, opacity, from the top left on.
#[cfg_attr(not(any(windows, test)), expect(dead_code, reason = "Windows only"))]
pub(super) fn pixels(shape: TrayShape, side: usize) -> Vec<u8> {
    const GREEN: [u8; 4] = [0x5c, 0xa8, 0x2e, 0xff];
    const GREY: [u8; 4] = [0xc8, 0xb8, 0xa8, 0xff];
    const RED: [u8; 4] = [0x3c, 0x4c, 0xe0, 0xff];
    const WHITE: [u8; 4] = [0xff, 0xff, 0xff, 0xff];
    let mut out = Vec::with_capacity(side * side * 4);
    for place in 0..side * side {
        let x = ((place % side) as f32 + 0.5) / side as f32;
        let y = ((place / side) as f32 + 0.5) / side as f32;
        let color = match shape {
            TrayShape::Trading => {
                let inside = x > 0.14 && (y - 0.5).abs() < 0.46 * (1.0 - (x - 0.14) / 0.8);
                inside.then_some(GREEN)
            }
            TrayShape::Paused => {
                let bar = (0.14..0.42).contains(&x) || (0.58..0.86).contains(&x);
                (bar && (0.08..0.92).contains(&y)).then_some(GREY)
            }
            TrayShape::Problem => {
                let inside = (0.04..0.96).contains(&y) && (x - 0.5).abs() < (y - 0.04) * 0.52;
                let mark = (x - 0.5).abs() < 0.08
                    && ((0.36..0.68).contains(&y) || (0.76..0.88).contains(&y));
                inside.then_some(if mark { WHITE } else { RED })
            }
        };
        out.extend(color.unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPES: [TrayShape; 3] = [TrayShape::Trading, TrayShape::Paused, TrayShape::Problem];

    #[test]
    fn the_three_shapes_differ_without_their_colours() {
        for side in [16, 20, 32] {
            let shapes = SHAPES.map(|shape| -> Vec<bool> {
                let pixels = pixels(shape, side);
                assert_eq!(pixels.len(), side * side * 4);
                let (pixels, _) = pixels.as_chunks::<4>();
                pixels.iter().map(|pixel| pixel[3] > 0).collect()
            });
            for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                let pairs = shapes[one].iter().zip(&shapes[other]);
                let different = pairs.filter(|(a, b)| a != b).count();
                assert!(
                    different > side * side / 6,
                    "{side}: {one} {other} {different}"
                );
            }
        }
    }

    #[test]
    fn every_entry_of_the_menu_is_known_again_by_its_number() {
        for wish in TrayWish::ALL {
            assert_eq!(TrayWish::of_number(wish.number()), Some(wish));
        }
        assert_eq!(TrayWish::of_number(0), None);
        assert_eq!(TrayWish::of_number(6), None);
    }
}
