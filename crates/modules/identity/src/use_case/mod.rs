pub(crate) mod create_tenant;
pub(crate) mod update_settings;
pub(crate) mod verify_audit;
