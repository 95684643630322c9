//! Places at which a test makes the process die, to see that nothing is lost or done twice.
//!
//! `FX_EXECUTOR_FAILPOINT=name` kills the process when it first reaches that place. Only debug builds look at it.

fn is_asked_for(name: &str) -> bool {
    cfg!(debug_assertions) && std::env::var("FX_EXECUTOR_FAILPOINT").as_deref() == Ok(name)
}

/// Fails here, as by a mistake of the program, when the environment says so.
pub(super) fn fails_at(name: &str) {
    assert!(
        !is_asked_for(name),
        "{name} fails, as the environment asks for"
    );
}

/// Dies here when the environment says so.
pub(super) fn reached(name: &str) {
    if is_asked_for(name) {
        // No unwinding, no destructors, no flushing: as if the power had gone.
        std::process::abort();
    }
}
