//! The moments at which a crash leaves something half done. Tests can have the process killed at each of them, see
//! `torture/tests/torture/killed.rs`; released builds do not contain that (feature `failpoints`).

macro_rules! steps {
    ($($name:ident = $text:literal, $what:literal;)*) => {
        /// A moment of some work, right after what its name says was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Step {
            $(#[doc = $what] $name,)*
        }

        impl Step {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// Its name in `FAILPOINTS`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

steps! {
    UploadBegun = "upload.begun", "Its parts can be sent.";
    UploadPartSent = "upload.part-sent", "One of its parts is at the provider.";
    UploadArrived = "upload.arrived", "All bytes are here, or at the provider as parts.";
    UploadAnnounced = "upload.announced", "Its intent is durable and its turn has come.";
    UploadPublished = "upload.published", "Its object is there.";
    UploadCommitted = "upload.committed", "Its row is there; the agent does not know yet.";
    RecoveryCleared = "recovery.cleared", "The parts of an upload that was cut off are gone.";
    RecoveryRead = "recovery.read", "The object of an upload that was cut off was read.";
    RecoveryCommitted = "recovery.committed", "The row of that recording is there.";
    DeleteCommitted = "delete.committed", "The row is gone.";
    DeleteDone = "delete.done", "The object is gone.";
    DeleteForgotten = "delete.forgotten", "That it was to be deleted is forgotten.";
    RemovalDone = "removal.done", "An object that was left to be deleted later is gone.";
    TransferBegun = "transfer.begun", "Parts can be sent from one provider to another.";
    TransferPartSent = "transfer.part-sent", "One part is there.";
    CopyAnnounced = "copy.announced", "That a copy is coming is noted in `removals`.";
    CopyStored = "copy.stored", "The copy's object is at its provider.";
    CopyNoted = "copy.noted", "The copy's row is there.";
    MoveAnnounced = "move.announced", "That an object is coming to the new place is noted in `removals`.";
    MoveStored = "move.stored", "The object is at the new place.";
    MoveVerified = "move.verified", "It was read back.";
    MoveCommitted = "move.committed", "The recording's row points to the new place.";
    MoveNoted = "move.noted", "How far the move got is noted.";
    MoveEnded = "move.ended", "That the move is done is noted.";
    DeliverySent = "delivery.sent", "A consumer has taken an event.";
    DeliveryNoted = "delivery.noted", "That the consumer has it is noted.";
}

/// Called when a step has been reached.
#[cfg(not(feature = "failpoints"))]
pub(crate) fn reached(_: Step) {}

/// Kills the process, as a power cut or the kernel would, if so told: `FAILPOINTS=upload.published`, or
/// `FAILPOINTS=upload.published#3` for the third time.
#[cfg(feature = "failpoints")]
pub(crate) fn reached(step: Step) {
    use rustix::process::{Signal, getpid, kill_process};
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[expect(clippy::disallowed_methods, reason = "no configuration of a vault: how a test says where it dies")]
    static TOLD: LazyLock<Option<String>> = LazyLock::new(|| std::env::var("FAILPOINTS").ok());
    static TIMES: AtomicU32 = AtomicU32::new(0);

    let Some(told) = TOLD.as_deref() else { return };
    let (name, times) = told.split_once('#').unwrap_or((told, "1"));
    if name == step.name() && TIMES.fetch_add(1, Ordering::SeqCst) + 1 == times.parse().unwrap_or(1) {
        kill_process(getpid(), Signal::KILL).expect("a process may kill itself");
        // Other threads may run a little longer before the signal ends them; this one must not.
        loop {
            std::thread::park();
        }
    }
}
