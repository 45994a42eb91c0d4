# nbgrader, as docs/instructors.md uses it: every `nbgrader` command in this folder reads this file.
import os
import sys
from pathlib import Path

from nbgrader import preprocessors

course = Path(__file__).resolve().parent
sys.path.insert(0, str(course / "tools"))
import grading  # noqa: E402

# nbgrader calls its helper alembic by name; it is beside the Python that runs this
os.environ["PATH"] = str(Path(sys.executable).parent) + os.pathsep + os.environ["PATH"]

c = get_config()  # noqa: F821, nbgrader defines it

c.CourseDirectory.course_id = "optimization"
c.CourseDirectory.root = str(course)
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
# what concerns people: git ignores the folder grading/
c.CourseDirectory.submitted_directory = "grading/submitted"
c.CourseDirectory.autograded_directory = "grading/autograded"
c.CourseDirectory.feedback_directory = "grading/feedback"
c.CourseDirectory.db_url = f"sqlite:///{course / 'grading' / 'gradebook.db'}"
c.ZipCollectApp.downloaded_directory = "grading/downloaded"
c.FileNameCollectorPlugin.named_regexp = r".*/(?P<student_id>[^/]+?)__(?P<file_id>[^/]+)"  # ada__04_momentum.ipynb
c.CsvExportPlugin.to = "grading/grades.csv"

# nbgrader's own list, without headers and generated tests, which the course does not use
c.GenerateAssignment.preprocessors = [
    preprocessors.LockCells,
    grading.ClearSolutions,
    preprocessors.ClearOutput,
    preprocessors.CheckCellMetadata,
    preprocessors.ComputeChecksums,
    preprocessors.SaveCells,
    preprocessors.ClearHiddenTests,
    preprocessors.ClearMarkScheme,
    preprocessors.ComputeChecksums,
    preprocessors.CheckCellMetadata,
]

# A submission may be broken or hostile: tools/grading.py says how it is run.
c.Autograde.sanitize_preprocessors = [
    grading.Rebuild,
    preprocessors.ClearOutput,
    preprocessors.OverwriteCells,
    preprocessors.CheckCellMetadata,
]
c.Autograde.autograde_preprocessors = [
    grading.Execute,
    preprocessors.LimitOutput,
    preprocessors.SaveAutoGrades,
    preprocessors.AssignLatePenalties,
    preprocessors.CheckCellMetadata,
]
c.Execute.timeout = 60  # seconds a cell
c.TemplateExporter.filters = {"markdown2html": grading.markdown2html}
# The next two concern the stock way of grading, should someone go back to it: without them a learner earns all points
# by tagging the graded cells, or loses a deleted cell's points without a trace.
c.ExecutePreprocessor.skip_cells_with_tag = "\x00"
c.OverwriteCells.add_missing_cells = True
