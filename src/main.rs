//! The gate in front of the Docker socket.

fn main() -> std::process::ExitCode {
    dockgate::process::command::run()
}
