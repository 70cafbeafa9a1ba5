"""How much each group of terminals gets: landings, flows over shared resources, fair rates and bounds on them."""
