//! The icon beside the clock, on a thread and a hidden window of its own.
#![expect(unsafe_code, reason = "the notification area has no safe interface")]

use std::cell::RefCell;
use std::ffi::c_void;
use std::io;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use windows_sys::Win32::Foundation::{HWND, LPARAM, LRESULT, POINT, WPARAM};
use windows_sys::Win32::UI::Shell::{
    NIF_ICON, NIF_MESSAGE, NIF_TIP, NIM_ADD, NIM_DELETE, NIM_MODIFY, NOTIFYICONDATAW,
    Shell_NotifyIconW,
};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    AppendMenuW, CreateIcon, CreatePopupMenu, DefWindowProcW, DestroyIcon, DestroyMenu,
    DestroyWindow, GetCursorPos, GetSystemMetrics, HICON, HMENU, MF_POPUP, MF_SEPARATOR, MF_STRING,
    PostMessageW, PostQuitMessage, RegisterWindowMessageW, SM_CXSMICON, SetForegroundWindow,
    TPM_RIGHTBUTTON, TrackPopupMenu, WM_APP, WM_CLOSE, WM_COMMAND, WM_DESTROY, WM_LBUTTONUP,
    WM_NULL, WM_RBUTTONUP,
};

use super::tray::{TrayPicture, TrayWish, pixels};
use super::windows_hidden::{hidden_window, pump, wide};

/// `tests/wine` finds the window by it.
const NAME: &str = "FX Executor tray";
/// What the icon's clicks come as.
const CLICKED: u32 = WM_APP + 2;
/// The picture has changed.
const CHANGED: u32 = WM_APP + 3;
const STARTED_WITHIN: Duration = Duration::from_secs(5);

type Listener = Box<dyn Fn(TrayWish) + Send>;

struct Icon {
    listener: Listener,
    picture: Arc<Mutex<TrayPicture>>,
    is_there: Arc<AtomicBool>,
    /// What Explorer sends to everybody when it starts, and has forgotten all icons.
    taskbar_created: u32,
}

thread_local! {
    static ICON: RefCell<Option<Icon>> = const { RefCell::new(None) };
}

/// The icon; it goes when this goes.
#[derive(Debug)]
pub struct Tray {
    window: isize,
    picture: Arc<Mutex<TrayPicture>>,
    is_there: Arc<AtomicBool>,
}

/// Puts the icon there, and calls `listener` on its thread for what the person chooses; it must not wait. Where Explorer does not
/// run, the icon comes as soon as it does.
///
/// # Errors
/// The thread or its window cannot be made.
pub fn show_tray(first: TrayPicture, listener: Listener) -> io::Result<Tray> {
    let (made, making) = sync_channel(1);
    let picture = Arc::new(Mutex::new(first));
    let is_there = Arc::new(AtomicBool::new(false));
    let name = wide("TaskbarCreated");
    let icon = Icon {
        listener,
        picture: Arc::clone(&picture),
        is_there: Arc::clone(&is_there),
        // SAFETY: a text that ends with zero.
        taskbar_created: unsafe { RegisterWindowMessageW(name.as_ptr()) },
    };
    std::thread::Builder::new()
        .name("tray".to_owned())
        .spawn(move || run(icon, &made))?;
    let window = making
        .recv_timeout(STARTED_WITHIN)
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    Ok(Tray {
        window,
        picture,
        is_there,
    })
}

impl Tray {
    pub fn picture(&self, picture: TrayPicture) {
        *self.picture.lock().unwrap_or_else(PoisonError::into_inner) = picture;
        // SAFETY: numbers only.
        unsafe { PostMessageW(self.window as *mut c_void, CHANGED, 0, 0) };
    }

    /// Whether Windows shows the icon, as far as it says so.
    pub fn is_there(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.is_there)
    }
}

impl Drop for Tray {
    fn drop(&mut self) {
        // SAFETY: numbers only.
        unsafe { PostMessageW(self.window as *mut c_void, WM_CLOSE, 0, 0) };
    }
}

fn run(icon: Icon, made: &SyncSender<io::Result<isize>>) {
    ICON.with(|slot| slot.replace(Some(icon)));
    match hidden_window(NAME, heard) {
        Ok(window) => {
            notify(window, NIM_ADD);
            drop(made.send(Ok(window as isize)));
            pump();
        }
        Err(error) => drop(made.send(Err(error))),
    }
    ICON.with(RefCell::take);
}

fn with_icon<T>(with: impl FnOnce(&Icon) -> T) -> Option<T> {
    ICON.with(|slot| slot.try_borrow().ok()?.as_ref().map(with))
}

unsafe extern "system" fn heard(
    window: HWND,
    message: u32,
    first: WPARAM,
    second: LPARAM,
) -> LRESULT {
    match message {
        CLICKED if second as u32 == WM_LBUTTONUP => wish(TrayWish::Show),
        CLICKED if second as u32 == WM_RBUTTONUP => open_menu(window),
        CHANGED => notify(window, NIM_MODIFY),
        WM_COMMAND => {
            if let Some(chosen) = TrayWish::of_number(first & 0xffff) {
                wish(chosen);
            }
        }
        // SAFETY: the window is this thread's own.
        WM_CLOSE => unsafe {
            notify(window, NIM_DELETE);
            DestroyWindow(window);
        },
        // SAFETY: a number; it ends this thread's loop.
        WM_DESTROY => unsafe { PostQuitMessage(0) },
        _ if with_icon(|icon| icon.taskbar_created) == Some(message) => {
            tracing::debug!(target: "ui", "Explorer started; the icon is put beside the clock again.");
            notify(window, NIM_ADD);
        }
        // SAFETY: what Windows handed over goes back to it.
        _ => return unsafe { DefWindowProcW(window, message, first, second) },
    }
    0
}

fn wish(wish: TrayWish) {
    with_icon(|icon| (icon.listener)(wish));
}

/// Adds, changes or takes away the icon as the picture is now.
fn notify(window: HWND, action: u32) {
    let Some((picture, is_there)) = with_icon(|icon| {
        let picture = icon.picture.lock().unwrap_or_else(PoisonError::into_inner);
        (picture.clone(), Arc::clone(&icon.is_there))
    }) else {
        return;
    };
    let icon = icon_of(&picture);
    let mut data = NOTIFYICONDATAW {
        cbSize: size_of::<NOTIFYICONDATAW>() as u32,
        hWnd: window,
        uID: 1,
        uFlags: NIF_ICON | NIF_MESSAGE | NIF_TIP,
        uCallbackMessage: CLICKED,
        hIcon: icon,
        ..Default::default()
    };
    // The last unit stays zero.
    let room = data.szTip.len() - 1;
    for (unit, given) in data.szTip[..room]
        .iter_mut()
        .zip(picture.tip.encode_utf16())
    {
        *unit = given;
    }
    // SAFETY: the data is whole and has its size filled in; Windows copies the icon, which is then freed.
    let done = unsafe {
        let mut done = Shell_NotifyIconW(action, &raw const data);
        if done == 0 && action == NIM_MODIFY {
            done = Shell_NotifyIconW(NIM_ADD, &raw const data);
        }
        DestroyIcon(icon);
        done
    };
    is_there.store(done != 0 && action != NIM_DELETE, Ordering::Relaxed);
}

fn icon_of(picture: &TrayPicture) -> HICON {
    // SAFETY: a number goes in.
    let side = unsafe { GetSystemMetrics(SM_CXSMICON) }.clamp(16, 64);
    let square = usize::try_from(side).unwrap_or(16);
    let pixels = pixels(picture.shape, square);
    // One bit a pixel, in rows of whole 16-bit words; the pixels' own opacity counts.
    let mask = vec![0_u8; square.div_ceil(16) * 2 * square];
    // SAFETY: both buffers are as large as their sides say.
    unsafe {
        CreateIcon(
            null_mut(),
            side,
            side,
            1,
            32,
            mask.as_ptr(),
            pixels.as_ptr(),
        )
    }
}

fn open_menu(window: HWND) {
    let paused = with_icon(|icon| {
        let picture = icon.picture.lock().unwrap_or_else(PoisonError::into_inner);
        picture.paused
    });
    // SAFETY: the menus are made here, the second one belongs to the first, which is freed at the end.
    unsafe {
        let (menu, sure) = (CreatePopupMenu(), CreatePopupMenu());
        entry(menu, "Show window", TrayWish::Show);
        if paused == Some(true) {
            entry(menu, "Resume trading", TrayWish::Resume);
        } else {
            entry(menu, "Pause trading", TrayWish::Pause);
        }
        entry(
            sure,
            "Yes: lock entries, close own positions",
            TrayWish::StopEverything,
        );
        AppendMenuW(
            menu,
            MF_POPUP,
            sure as usize,
            wide("Stop everything").as_ptr(),
        );
        AppendMenuW(menu, MF_SEPARATOR, 0, null());
        entry(menu, "Quit", TrayWish::Quit);
        let mut at = POINT::default();
        GetCursorPos(&raw mut at);
        // Without both, the menu would not close at a click beside it.
        SetForegroundWindow(window);
        TrackPopupMenu(menu, TPM_RIGHTBUTTON, at.x, at.y, 0, window, null());
        PostMessageW(window, WM_NULL, 0, 0);
        DestroyMenu(menu);
    }
}

fn entry(menu: HMENU, text: &str, wish: TrayWish) {
    // SAFETY: the menu is the caller's; the text ends with zero and is copied.
    unsafe { AppendMenuW(menu, MF_STRING, wish.number(), wide(text).as_ptr()) };
}
