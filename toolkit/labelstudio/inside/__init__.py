"""Scripts that run inside the embedded Label Studio's own interpreter; they import nothing of the toolkit.

They share only the standard library and Label Studio with the process that starts them, and talk to it through
arguments, standard input and output, and files in the workspace's ``studio/`` folder.
"""
