//! The thin binary: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    // Where root must not open a database itself, this program starts itself again as the account.
    if let Some(code) = openclaw_doctor::fix::actions::row::helper_main(std::env::args_os()) {
        return code;
    }
    openclaw_doctor::checks::run::install_panic_hook();
    ExitCode::from(openclaw_doctor::cli::main(std::env::args_os()))
}
