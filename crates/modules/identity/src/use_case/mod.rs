pub(crate) mod create_tenant;
pub(crate) mod update_settings;
