//! The X server may go: it crashed, or a remote desktop ended. Xlib's own answer is to end the whole process, trading with it.
#![expect(unsafe_code, reason = "Xlib has no safe interface")]

use std::ffi::c_int;
use std::sync::OnceLock;

use x11_dl::xlib::{Display, Xlib};

type GoOn = Box<dyn Fn() + Send + Sync>;

static GO_ON: OnceLock<GoOn> = OnceLock::new();
/// The library stays loaded for as long as its handler may be called.
static XLIB: OnceLock<Xlib> = OnceLock::new();

/// From now on `go_on` is called, on the thread that drew, when the display is lost. The process ends when it returns, because
/// Xlib cannot be returned to (Xlib manual, "XSetIOErrorHandler"). Only the first call counts.
/// Without Xlib there is no window that could lose its display.
pub fn on_display_lost(go_on: impl Fn() + Send + Sync + 'static) {
    let Ok(xlib) = Xlib::open() else {
        return;
    };
    if GO_ON.set(Box::new(go_on)).is_err() {
        return;
    }
    let xlib = XLIB.get_or_init(|| xlib);
    // SAFETY: the function was found in the loaded library, and the handler has the signature that Xlib documents.
    unsafe { (xlib.XSetIOErrorHandler)(Some(lost)) };
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "all has ended in order by then, and Xlib can only be left so"
)]
unsafe extern "C" fn lost(_display: *mut Display) -> c_int {
    // A panic must not go through Xlib's frames.
    let went_on = std::panic::catch_unwind(|| {
        if let Some(go_on) = GO_ON.get() {
            go_on();
        }
    });
    std::process::exit(i32::from(went_on.is_err()))
}
