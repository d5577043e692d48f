"""Policy files, attacker profiles, requirements."""
