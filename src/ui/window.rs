//! Opens the native window and says in one line why it could not. Never panics and never ends the program.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use super::app::App;
use super::links::UiLinks;
use super::pages::Page;
use super::text::{ENGLISH, Text};
use super::theme::ThemeChoice;
use super::view::Clock;

/// What draws the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Renderer {
    /// OpenGL.
    Glow,
    /// DirectX 12: for remote desktops that have no OpenGL.
    Wgpu,
}

impl Renderer {
    /// Those of this system.
    #[cfg(windows)]
    pub const AVAILABLE: &[Self] = &[Self::Glow, Self::Wgpu];
    #[cfg(not(windows))]
    pub const AVAILABLE: &[Self] = &[Self::Glow];

    const fn native(self) -> eframe::Renderer {
        match self {
            #[cfg(windows)]
            Self::Wgpu => eframe::Renderer::Wgpu,
            _ => eframe::Renderer::Glow,
        }
    }
}

impl std::fmt::Display for Renderer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Glow => "OpenGL",
            Self::Wgpu => "DirectX 12",
        })
    }
}

pub struct WindowOptions {
    pub title: String,
    pub renderer: Renderer,
    /// Told once, when a frame was drawn.
    pub drawn: Arc<dyn Fn() + Send + Sync>,
    pub theme: ThemeChoice,
    pub text: &'static Text,
    /// The zone in which times are shown.
    pub zone: TimeZone,
    pub clock: Clock,
    /// The page to open with; `None` lets the window choose.
    pub page: Option<Page>,
    /// Inner size in points.
    pub size: [f32; 2],
}

impl Default for WindowOptions {
    fn default() -> Self {
        Self {
            title: "FX Executor".to_owned(),
            renderer: Renderer::Glow,
            drawn: Arc::new(|| {}),
            theme: ThemeChoice::System,
            text: &ENGLISH,
            zone: TimeZone::system(),
            clock: std::sync::Arc::new(jiff::Timestamp::now),
            page: None,
            size: [1280.0, 800.0],
        }
    }
}

impl std::fmt::Debug for WindowOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WindowOptions")
            .field("title", &self.title)
            .field("theme", &self.theme)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WindowEnd {
    /// The person closed it.
    Closed,
    /// Drawing failed; another window can be opened.
    Died,
}

/// Keeps a panic in drawing from unwinding through the event loop, which could open no window after it.
struct Guarded {
    app: App,
    died: Arc<AtomicBool>,
    /// Frames begun; the second one shows that the first was drawn to its end.
    frames: u32,
    drawn: Arc<dyn Fn() + Send + Sync>,
}

impl Guarded {
    fn keep(&mut self, ctx: &egui::Context, draw: impl FnOnce(&mut App)) {
        if self.died.load(Ordering::Relaxed) {
            return;
        }
        let app = &mut self.app;
        if std::panic::catch_unwind(AssertUnwindSafe(|| draw(app))).is_err() {
            self.died.store(true, Ordering::Relaxed);
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
            ctx.request_repaint();
        }
    }
}

impl eframe::App for Guarded {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.keep(ctx, |app| eframe::App::logic(app, ctx, frame));
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        let ctx = ui.ctx().clone();
        self.frames = self.frames.saturating_add(1);
        if self.frames == 2 {
            (self.drawn)();
        }
        self.keep(&ctx, |app| eframe::App::ui(app, ui, frame));
    }
}

#[derive(Debug, thiserror::Error)]
pub enum WindowError {
    #[error("no display ({0}); run with --headless")]
    NoDisplay(String),
    #[error("no OpenGL 2.0 or newer on this display ({0}); run with --headless")]
    NoOpenGl(String),
    #[error("the window could not be opened: {0}; run with --headless")]
    Other(String),
}

/// Draws until the window is closed. Call it on the main thread; blocks.
///
/// # Errors
/// [`WindowError`] when there is no display or no usable OpenGL.
pub fn run(links: UiLinks, options: WindowOptions) -> Result<WindowEnd, WindowError> {
    if let Some(reason) = missing_display() {
        return Err(WindowError::NoDisplay(reason));
    }
    let native = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title(options.title.clone())
            .with_app_id("fx-executor")
            .with_inner_size(options.size)
            .with_min_inner_size([900.0, 560.0])
            .with_icon(super::icons::window_icon()),
        renderer: options.renderer.native(),
        ..Default::default()
    };
    let title = options.title.clone();
    let died = Arc::new(AtomicBool::new(false));
    let ended = eframe::run_native(
        &title,
        native,
        Box::new({
            let died = Arc::clone(&died);
            move |creation| {
                let drawn = Arc::clone(&options.drawn);
                let app = App::new(&creation.egui_ctx, links, options);
                Ok(Box::new(Guarded {
                    app,
                    died,
                    frames: 0,
                    drawn,
                }))
            }
        }),
    );
    ended.map_err(|error| explain(&error))?;
    Ok(if died.load(Ordering::Relaxed) {
        WindowEnd::Died
    } else {
        WindowEnd::Closed
    })
}

/// X11's and Wayland's clients panic or hang on an empty environment; looking first is one line and certain.
fn missing_display() -> Option<String> {
    let unset = |name| std::env::var_os(name).is_none_or(|value| value.is_empty());
    (cfg!(target_os = "linux") && unset("DISPLAY") && unset("WAYLAND_DISPLAY"))
        .then(|| "DISPLAY and WAYLAND_DISPLAY are unset".to_owned())
}

fn explain(error: &eframe::Error) -> WindowError {
    let text = one_line(&error.to_string());
    match error {
        eframe::Error::Winit(_) | eframe::Error::WinitEventLoop(_) => WindowError::NoDisplay(text),
        eframe::Error::Glutin(_)
        | eframe::Error::NoGlutinConfigs(..)
        | eframe::Error::OpenGL(_) => WindowError::NoOpenGl(text),
        _ => WindowError::Other(text),
    }
}

/// The last part of a nested message: the libraries put their source files before it.
fn one_line(text: &str) -> String {
    let cause = text.rsplit(": ").next().unwrap_or(text);
    cause.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_one_line_without_source_paths() {
        let text = "winit EventLoopError: os error at /x/linux/mod.rs:788: Failed to open\n connection to X server";
        assert_eq!(one_line(text), "Failed to open connection to X server");
        let shown = WindowError::NoDisplay(one_line(text)).to_string();
        assert_eq!(shown.lines().count(), 1);
    }
}
