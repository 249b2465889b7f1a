//! Breaks what a vault depends on, on purpose, and then checks its promise: what was answered 200 is there byte for
//! byte and its event arrives, nothing else passes for it, and the vault recovers on its own.
//!
//! A suite lets a [`world::World`] run a [`workload`], breaks something at one moment after the other, and checks
//! [`invariants`] each time. How to add one: `docs/contributing/add-a-torture.md`.

pub mod faults;
pub mod flaky;
pub mod hostile;
pub mod invariants;
pub mod killing;
pub mod knobs;
pub mod ledger;
pub mod outside;
mod panics;
mod pieces;
pub mod platter;
pub mod serving;
mod settling;
pub mod vfs;
pub mod volumes;
pub mod workload;
pub mod world;
