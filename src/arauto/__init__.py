"""Arauto: a self-hosted notification hub for integrations."""
