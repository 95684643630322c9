//! What to do in the terminal, drawn: the drag from the Navigator onto a chart, the Algo Trading button, the Expert
//! Advisor's box. Drawn by shapes in the theme's colours, so that they are sharp at any scale and in both modes.

use egui::{
    Align2, Color32, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, StrokeKind, Ui, WidgetInfo,
    vec2,
};

use crate::ui::text_metatrader::MetaTraderText;
use crate::ui::theme::{self, Tokens};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Picture {
    Drag,
    AlgoButton,
    ExpertBox,
}

/// The size that the drawings are laid out in; narrower places scale them down.
const WIDE: f32 = 460.0;
const SMALLEST: f32 = 0.6;

/// One drawing's canvas: points are given in the drawing's own measure.
struct Canvas<'a> {
    painter: Painter,
    rect: Rect,
    scale: f32,
    tokens: &'a Tokens,
}

pub fn picture(ui: &mut Ui, picture: Picture, text: &MetaTraderText) {
    let tokens = theme::of(ui);
    let scale = (ui.available_width() / WIDE).clamp(SMALLEST, 1.0);
    let (height, caption) = match picture {
        Picture::Drag => (196.0, text.picture_drag),
        Picture::AlgoButton => (96.0, text.picture_algo),
        Picture::ExpertBox => (176.0, text.picture_box),
    };
    let (rect, response) = ui.allocate_exact_size(vec2(WIDE, height) * scale, Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, caption));
    let canvas = Canvas {
        painter: ui.painter().with_clip_rect(rect.intersect(ui.clip_rect())),
        rect,
        scale,
        tokens,
    };
    match picture {
        Picture::Drag => drag(&canvas, text),
        Picture::AlgoButton => algo_button(&canvas, text),
        Picture::ExpertBox => expert_box(&canvas, text),
    }
}

impl Canvas<'_> {
    fn at(&self, x: f32, y: f32) -> Pos2 {
        self.rect.min + vec2(x, y) * self.scale
    }

    fn area(&self, x: f32, y: f32, width: f32, height: f32) -> Rect {
        Rect::from_min_size(self.at(x, y), vec2(width, height) * self.scale)
    }

    fn stroke(&self, width: f32, color: Color32) -> Stroke {
        Stroke::new((width * self.scale).max(1.0), color)
    }

    fn boxed(&self, area: Rect, fill: Color32, border: Color32) {
        let stroke = self.stroke(1.0, border);
        self.painter
            .rect(area, 4.0 * self.scale, fill, stroke, StrokeKind::Inside);
    }

    fn words(&self, x: f32, y: f32, words: &str, color: Color32, strong: bool) -> Rect {
        let size = 12.5 * self.scale;
        let font = if strong {
            theme::strong(size)
        } else {
            theme::regular(size)
        };
        self.painter
            .text(self.at(x, y), Align2::LEFT_CENTER, words, font, color)
    }

    fn line(&self, points: &[(f32, f32)], stroke: Stroke) {
        let points = points.iter().map(|&(x, y)| self.at(x, y)).collect();
        self.painter.add(Shape::line(points, stroke));
    }

    /// A bow from one point to another, dashed, with a head: the way of the mouse.
    fn way(&self, from: (f32, f32), over: (f32, f32), to: (f32, f32)) {
        let color = self.tokens.accent;
        let (a, b, c) = (
            self.at(from.0, from.1),
            self.at(over.0, over.1),
            self.at(to.0, to.1),
        );
        let points: Vec<Pos2> = (0..=32)
            .map(|step| {
                let t = step as f32 / 32.0;
                let first = a.lerp(b, t);
                first.lerp(b.lerp(c, t), t)
            })
            .collect();
        let dash = 7.0 * self.scale;
        self.painter.extend(Shape::dashed_line(
            &points,
            self.stroke(2.5, color),
            dash,
            dash * 0.6,
        ));
        let along = (c - b).normalized() * 13.0 * self.scale;
        let across = along.rot90() * 0.55;
        self.painter.add(Shape::convex_polygon(
            vec![c + along * 0.3, c - along + across, c - along - across],
            color,
            Stroke::NONE,
        ));
    }

    fn triangle(&self, x: f32, y: f32, size: f32, color: Color32) {
        let points = vec![
            self.at(x - size * 0.6, y - size),
            self.at(x + size, y),
            self.at(x - size * 0.6, y + size),
        ];
        self.painter
            .add(Shape::convex_polygon(points, color, Stroke::NONE));
    }

    fn tick_box(&self, x: f32, y: f32, ticked: bool) {
        let tokens = self.tokens;
        let area = self.area(x, y - 7.0, 14.0, 14.0);
        let fill = if ticked { tokens.accent } else { tokens.card };
        self.boxed(
            area,
            fill,
            if ticked { tokens.accent } else { tokens.muted },
        );
        if ticked {
            let stroke = self.stroke(2.0, tokens.on_accent);
            self.line(
                &[(x + 3.0, y), (x + 6.0, y + 3.5), (x + 11.0, y - 3.5)],
                stroke,
            );
        }
    }
}

/// The Navigator's tree at the left, a chart at the right, and the way between.
fn drag(canvas: &Canvas<'_>, text: &MetaTraderText) {
    let tokens = canvas.tokens;
    let side = canvas.area(0.0, 0.0, 188.0, 196.0);
    canvas.boxed(side, tokens.ground, tokens.border);
    canvas.words(12.0, 15.0, text.name_navigator, tokens.text, true);
    canvas.line(
        &[(0.0, 29.0), (188.0, 29.0)],
        canvas.stroke(1.0, tokens.border),
    );
    let rows = [
        (22.0, 46.0, text.name_accounts),
        (22.0, 70.0, text.name_indicators),
        (22.0, 94.0, text.name_experts),
        (42.0, 118.0, text.name_expert),
    ];
    for (x, y, words) in rows {
        canvas.words(x, y, words, tokens.muted, false);
    }
    // Two open branches: Expert Advisors, and our folder in it.
    let branch = canvas.stroke(1.5, tokens.muted);
    for (x, y) in [(10.0, 94.0), (30.0, 118.0)] {
        canvas.line(
            &[(x - 3.5, y - 2.0), (x, y + 2.5), (x + 3.5, y - 2.0)],
            branch,
        );
    }
    canvas.line(
        &[(10.0, 102.0), (10.0, 118.0), (20.0, 118.0)],
        canvas.stroke(1.0, tokens.border),
    );
    canvas.line(
        &[(30.0, 126.0), (30.0, 143.0), (46.0, 143.0)],
        canvas.stroke(1.0, tokens.border),
    );
    let row = canvas.area(48.0, 131.0, 128.0, 24.0);
    canvas.boxed(row, tokens.selection, tokens.accent);
    canvas.words(58.0, 143.0, text.name_expert, tokens.text, true);

    let chart = canvas.area(204.0, 0.0, 256.0, 196.0);
    canvas.boxed(chart, tokens.ground, tokens.border);
    let grid = canvas.stroke(1.0, tokens.border);
    for y in [49.0, 98.0, 147.0] {
        canvas.line(&[(204.0, y), (460.0, y)], grid);
    }
    let closes = [
        130.0, 118.0, 126.0, 104.0, 112.0, 90.0, 96.0, 76.0, 84.0, 62.0, 70.0, 52.0, 60.0_f32,
    ];
    for (place, ends) in closes.windows(2).enumerate() {
        let x = 222.0 + place as f32 * 19.0;
        let (open, close) = (ends[0], ends[1]);
        let color = if close < open {
            tokens.good
        } else {
            tokens.bad
        };
        let (top, bottom) = (open.min(close), open.max(close));
        canvas.line(
            &[(x, top - 9.0), (x, bottom + 9.0)],
            canvas.stroke(1.0, color),
        );
        let body = canvas.area(x - 4.5, top, 9.0, (bottom - top).max(3.0));
        canvas.painter.rect_filled(body, 0.0, color);
    }
    canvas.way((170.0, 150.0), (258.0, 206.0), (330.0, 140.0));
}

/// The toolbar twice: off, pressed, on.
fn algo_button(canvas: &Canvas<'_>, text: &MetaTraderText) {
    let tokens = canvas.tokens;
    for (y, on) in [(0.0, false), (52.0, true)] {
        let bar = canvas.area(0.0, y, 330.0, 40.0);
        canvas.boxed(bar, tokens.ground, tokens.border);
        let button = canvas.area(8.0, y + 6.0, 136.0, 28.0);
        let border = if on { tokens.good } else { tokens.bad };
        canvas.boxed(button, tokens.raised, border);
        let middle = y + 20.0;
        if on {
            canvas.triangle(24.0, middle, 6.5, tokens.good);
        } else {
            let square = canvas.area(17.5, middle - 6.0, 12.0, 12.0);
            canvas.painter.rect_filled(square, 1.0, tokens.bad);
        }
        canvas.words(38.0, middle, text.name_algo, tokens.text, true);
        canvas.line(
            &[(156.0, y + 10.0), (156.0, y + 30.0)],
            canvas.stroke(1.0, tokens.border),
        );
        let plus = canvas.stroke(1.5, tokens.muted);
        canvas.line(&[(172.0, middle - 5.0), (172.0, middle + 5.0)], plus);
        canvas.line(&[(167.0, middle), (177.0, middle)], plus);
        canvas.words(186.0, middle, text.name_new_order, tokens.muted, false);
        let (word, color) = if on {
            (text.name_on, tokens.good)
        } else {
            (text.name_off, tokens.bad)
        };
        canvas.words(344.0, middle, word, color, true);
    }
    canvas.way((396.0, 20.0), (440.0, 46.0), (396.0, 72.0));
}

/// The Expert Advisor's own window.
fn expert_box(canvas: &Canvas<'_>, text: &MetaTraderText) {
    let tokens = canvas.tokens;
    canvas.boxed(
        canvas.area(0.0, 0.0, 340.0, 176.0),
        tokens.ground,
        tokens.border,
    );
    canvas.words(12.0, 15.0, text.name_expert, tokens.text, true);
    canvas.line(
        &[(0.0, 29.0), (340.0, 29.0)],
        canvas.stroke(1.0, tokens.border),
    );
    let tab = canvas.area(10.0, 38.0, 84.0, 24.0);
    canvas.boxed(tab, tokens.raised, tokens.accent);
    canvas.words(22.0, 50.0, text.name_common, tokens.text, true);
    canvas.words(110.0, 50.0, text.name_inputs, tokens.muted, false);
    canvas.tick_box(22.0, 86.0, true);
    canvas.words(46.0, 86.0, text.name_allow, tokens.text, true);
    canvas.tick_box(22.0, 112.0, false);
    canvas.words(46.0, 112.0, text.name_signals, tokens.muted, false);
    let ok = canvas.area(256.0, 138.0, 70.0, 26.0);
    canvas.boxed(ok, tokens.accent, tokens.accent);
    canvas.painter.text(
        ok.center(),
        Align2::CENTER_CENTER,
        text.name_ok,
        theme::strong(12.5 * canvas.scale),
        tokens.on_accent,
    );
    canvas.way((420.0, 60.0), (340.0, 56.0), (196.0, 84.0));
}
