//! The window's symbols, painted as shapes: they scale with the text, take its colour and need no icon font.

use egui::{Color32, Painter, Pos2, Rect, Shape, Stroke, pos2, vec2};

use super::theme::Tone;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Overview,
    Commands,
    Strategies,
    Positions,
    Journal,
    Terminal,
    Settings,
    Stop,
    Pause,
    Play,
}

/// Paints `icon` into a square around `center`.
pub fn paint(painter: &Painter, icon: Icon, center: Pos2, size: f32, color: Color32) {
    let half = size / 2.0;
    let stroke = Stroke::new((size / 10.0).max(1.4), color);
    let at = |x: f32, y: f32| pos2(center.x + x * half, center.y + y * half);
    let line = |points: &[(f32, f32)]| {
        painter.add(Shape::line(
            points.iter().map(|&(x, y)| at(x, y)).collect(),
            stroke,
        ));
    };
    let boxed = |x0, y0, x1, y1| {
        painter.rect_stroke(
            Rect::from_two_pos(at(x0, y0), at(x1, y1)),
            1.5,
            stroke,
            egui::StrokeKind::Middle,
        );
    };
    match icon {
        Icon::Overview => {
            boxed(-0.9, -0.9, -0.15, 0.1);
            boxed(0.2, -0.9, 0.9, -0.4);
            boxed(0.2, -0.05, 0.9, 0.9);
            boxed(-0.9, 0.45, -0.15, 0.9);
        }
        Icon::Commands => {
            line(&[(-0.9, -0.7), (-0.3, 0.0), (-0.9, 0.7)]);
            line(&[(-0.05, 0.7), (0.9, 0.7)]);
        }
        Icon::Strategies => {
            line(&[(-0.9, 0.6), (-0.3, -0.1), (0.15, 0.3), (0.9, -0.7)]);
            line(&[(0.4, -0.7), (0.9, -0.7), (0.9, -0.2)]);
        }
        Icon::Positions => {
            line(&[(-0.6, -0.9), (-0.6, 0.9)]);
            line(&[(0.55, -0.9), (0.55, 0.9)]);
            for (x, top, bottom) in [(-0.6, -0.45, 0.35), (0.55, -0.6, 0.15)] {
                painter.rect_filled(
                    Rect::from_two_pos(at(x - 0.3, top), at(x + 0.3, bottom)),
                    1.0,
                    color,
                );
            }
        }
        Icon::Journal => {
            for y in [-0.7, 0.0, 0.7] {
                painter.circle_filled(at(-0.8, y), stroke.width * 0.9, color);
                line(&[(-0.4, y), (0.9, y)]);
            }
        }
        // A plug and its socket: the link to the terminal.
        Icon::Terminal => {
            boxed(-0.9, -0.45, -0.1, 0.45);
            line(&[(-0.1, -0.22), (0.25, -0.22)]);
            line(&[(-0.1, 0.22), (0.25, 0.22)]);
            line(&[(0.9, -0.6), (0.5, -0.6), (0.5, 0.6), (0.9, 0.6)]);
        }
        Icon::Settings => {
            for (y, knob) in [(-0.6, 0.3), (0.0, -0.4), (0.6, 0.5)] {
                line(&[(-0.9, y), (0.9, y)]);
                painter.circle_filled(at(knob, y), size * 0.13, color);
            }
        }
        Icon::Stop => {
            let corners = [
                (-0.4, -0.95),
                (0.4, -0.95),
                (0.95, -0.4),
                (0.95, 0.4),
                (0.4, 0.95),
                (-0.4, 0.95),
                (-0.95, 0.4),
                (-0.95, -0.4),
            ];
            let points = corners.iter().map(|&(x, y)| at(x, y)).collect();
            painter.add(Shape::closed_line(points, stroke));
            painter.rect_filled(
                Rect::from_center_size(center, vec2(half, half) * 0.75),
                1.0,
                color,
            );
        }
        Icon::Pause => {
            for x in [-0.4, 0.4] {
                let bar = Rect::from_center_size(at(x, 0.0), vec2(size * 0.16, size * 0.8));
                painter.rect_filled(bar, 1.0, color);
            }
        }
        Icon::Play => {
            let points = vec![at(-0.55, -0.85), at(0.85, 0.0), at(-0.55, 0.85)];
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
        }
    }
}

/// A shape of its own for each tone, so that no state depends on its colour: ring, three dots, disc with a tick,
/// triangle, disc with a cross.
pub fn paint_tone(
    painter: &Painter,
    tone: Tone,
    center: Pos2,
    size: f32,
    color: Color32,
    ground: Color32,
) {
    let half = size / 2.0;
    let at = |x: f32, y: f32| pos2(center.x + x * half, center.y + y * half);
    let cut = Stroke::new(size / 7.0, ground);
    match tone {
        Tone::Neutral => {
            painter.circle_stroke(center, half * 0.75, Stroke::new(size / 7.0, color));
        }
        Tone::Info => {
            painter.circle_filled(center, half, color);
            painter.circle_filled(at(0.0, -0.45), size * 0.08, ground);
            painter.add(Shape::line(vec![at(0.0, -0.08), at(0.0, 0.55)], cut));
        }
        Tone::Good => {
            painter.circle_filled(center, half, color);
            painter.add(Shape::line(
                vec![at(-0.45, 0.05), at(-0.1, 0.4), at(0.5, -0.35)],
                cut,
            ));
        }
        Tone::Warn => {
            let points = vec![at(0.0, -1.0), at(1.05, 0.9), at(-1.05, 0.9)];
            painter.add(Shape::convex_polygon(points, color, Stroke::NONE));
            painter.add(Shape::line(vec![at(0.0, -0.35), at(0.0, 0.3)], cut));
            painter.circle_filled(at(0.0, 0.6), size * 0.07, ground);
        }
        Tone::Bad => {
            painter.circle_filled(center, half, color);
            painter.add(Shape::line(vec![at(-0.4, -0.4), at(0.4, 0.4)], cut));
            painter.add(Shape::line(vec![at(-0.4, 0.4), at(0.4, -0.4)], cut));
        }
    }
}

/// The program's mark: a rising step in a rounded square.
pub fn paint_mark(painter: &Painter, rect: Rect, ground: Color32, ink: Color32) {
    painter.rect_filled(rect, rect.width() * 0.24, ground);
    let at = |x: f32, y: f32| rect.min + vec2(rect.width() * x, rect.height() * y);
    let points = vec![at(0.2, 0.72), at(0.42, 0.5), at(0.58, 0.62), at(0.8, 0.28)];
    painter.add(Shape::line(points, Stroke::new(rect.width() * 0.1, ink)));
}

/// The same mark as pixels, for the task bar.
pub fn window_icon() -> egui::IconData {
    const SIDE: usize = 64;
    let (ground, ink) = super::theme::MARK;
    let path = [(0.2, 0.72), (0.42, 0.5), (0.58, 0.62), (0.8, 0.28)];
    let mut rgba = Vec::with_capacity(SIDE * SIDE * 4);
    for pixel in 0..SIDE * SIDE {
        let x = ((pixel % SIDE) as f32 + 0.5) / SIDE as f32;
        let y = ((pixel / SIDE) as f32 + 0.5) / SIDE as f32;
        let near = path
            .windows(2)
            .map(|ends| distance((x, y), ends[0], ends[1]))
            .fold(f32::MAX, f32::min);
        let color = if near < 0.055 { ink } else { ground };
        let corner = vec2((x - 0.5).abs() - 0.27, (y - 0.5).abs() - 0.27).max(egui::Vec2::ZERO);
        let alpha = if corner.length() < 0.23 { 255 } else { 0 };
        rgba.extend([color.r(), color.g(), color.b(), alpha]);
    }
    egui::IconData {
        rgba,
        width: SIDE as u32,
        height: SIDE as u32,
    }
}

fn distance(point: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (line, offset) = (
        vec2(to.0 - from.0, to.1 - from.1),
        vec2(point.0 - from.0, point.1 - from.1),
    );
    let along = (offset.dot(line) / line.length_sq()).clamp(0.0, 1.0);
    (offset - line * along).length()
}
