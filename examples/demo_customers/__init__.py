"""Simulated customers of Waybill: people with habits, calling over real HTTP."""
