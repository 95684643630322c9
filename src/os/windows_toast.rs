//! Notifications of Windows, under the identity that the installer's shortcut has.

use std::io;
use std::sync::Arc;

use windows::Data::Xml::Dom::XmlDocument;
use windows::Foundation::TypedEventHandler;
use windows::UI::Notifications::{
    NotificationSetting, ToastFailedEventArgs, ToastNotification, ToastNotificationManager,
    ToastNotifier,
};
use windows::core::{HSTRING, IInspectable, Ref};

use super::Toast;

/// `System.AppUserModel.ID` of the shortcut that `wix/main.wxs` makes.
const IDENTITY: &str = "FXExecutor.FXExecutor";

/// Where notifications are shown.
#[derive(Debug)]
pub struct Toasts {
    notifier: ToastNotifier,
}

impl Toasts {
    /// # Errors
    /// Windows has no notifications here: it is too old, or the program was not installed.
    pub fn open() -> io::Result<Self> {
        let notifier =
            ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(IDENTITY))?;
        Ok(Self { notifier })
    }

    /// Shows it; `clicked` is called from another thread when the person clicks on it.
    ///
    /// # Errors
    /// Windows does not show it, with its reason.
    pub fn show(&self, toast: &Toast, clicked: Arc<dyn Fn() + Send + Sync>) -> io::Result<()> {
        let off = |by: &str| {
            Err(io::Error::other(format!(
                "notifications are turned off {by}"
            )))
        };
        match self.notifier.Setting()? {
            NotificationSetting::DisabledForApplication => {
                return off("for FX Executor in Windows' settings");
            }
            NotificationSetting::DisabledForUser => return off("in Windows' settings"),
            NotificationSetting::DisabledByGroupPolicy => return off("by the administrator"),
            NotificationSetting::DisabledByManifest => return off("by the program's manifest"),
            _ => {}
        }
        let document = XmlDocument::new()?;
        document.LoadXml(&HSTRING::from(toast.xml()))?;
        let notification = ToastNotification::CreateToastNotification(&document)?;
        notification.Activated(&TypedEventHandler::new(
            move |_: Ref<'_, ToastNotification>, _: Ref<'_, IInspectable>| {
                clicked();
                Ok(())
            },
        ))?;
        notification.Failed(&TypedEventHandler::new(
            |_: Ref<'_, ToastNotification>, failed: Ref<'_, ToastFailedEventArgs>| {
                let code = failed.as_ref().and_then(|failed| failed.ErrorCode().ok());
                let reason = code.map_or_else(
                    || "no reason given".to_owned(),
                    windows::core::HRESULT::message,
                );
                tracing::warn!(target: "ui", "Windows did not show a notification: {reason}");
                Ok(())
            },
        ))?;
        self.notifier.Show(&notification)?;
        Ok(())
    }
}
