"""The domain: Vietnam's dossiers, fees, facts and calendar. The engine never imports it."""
