//! Places at which a test makes the process die, to see that nothing is lost or done twice.
//!
//! `FX_EXECUTOR_FAILPOINT=name` kills the process when it first reaches that place. Only debug builds look at it.

/// Dies here when the environment says so.
pub(super) fn reached(name: &str) {
    if cfg!(debug_assertions) && std::env::var("FX_EXECUTOR_FAILPOINT").as_deref() == Ok(name) {
        // No unwinding, no destructors, no flushing: as if the power had gone.
        std::process::abort();
    }
}
