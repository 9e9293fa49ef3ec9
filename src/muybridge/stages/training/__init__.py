"""What the stages that train share: material, tasks, weightings, teachers, validation."""
