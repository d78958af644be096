//! The only reader of the machine: one file per subject. Every fact can be unknown with a reason.

pub mod accounts;
pub mod clock;
pub mod config;
pub mod container;
pub mod database;
pub mod database_locks;
pub mod devices;
pub mod discover;
pub mod env_files;
pub mod environment;
pub mod gateway;
pub mod gateway_account;
mod installations;
pub mod listeners;
pub mod locks;
pub mod logs;
pub mod mounts;
pub mod processes;
pub mod programs;
pub mod recognise;
mod release;
pub mod run;
pub mod services;
pub mod source;
pub mod tree;
pub mod trust;
